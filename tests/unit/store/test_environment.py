"""Is what a process runs with shown without its secrets, and is a misspelt name noticed?"""

from headgate.store.environment import HIDDEN, shown

SET = {
    "HEADGATE_DATABASE_URL": "postgresql://ada:s3cret@db.example:5432/headgate?sslpassword=other",
    "HEADGATE_SMTP_URL": "smtps://ada:s3cret@mail.example",
    "HEADGATE_MAIL_FROM": "apis@example.com",
    "HEADGATE_OIDC_PROVIDERS": "company=https://login.example.com?client_id=headgate",
    "HEADGATE_OIDC_SECRET_COMPANY": "s3cret",
    "HEADGATE_TOKEN": "hgt_s3cret",
    "HEADGATE_SIGNUP": "closed",
    "PATH": "/usr/bin",
}


def test_no_secret_is_shown_and_the_rest_is() -> None:
    found = {one.name: one for one in shown(SET)}
    texts = " ".join(one.value for one in found.values())
    assert "s3cret" not in texts
    assert "sslpassword" not in texts
    assert found["HEADGATE_SMTP_URL"].value == f"smtps://ada:{HIDDEN}@mail.example"
    assert found["HEADGATE_OIDC_PROVIDERS"].value == "company: https://login.example.com"
    assert found["HEADGATE_OIDC_SECRET_COMPANY"].value == HIDDEN
    assert "PATH" not in found


def test_what_is_not_set_is_shown_with_its_default() -> None:
    found = {one.name: one for one in shown({})}
    assert (found["HEADGATE_SIGN_UP"].value, found["HEADGATE_SIGN_UP"].is_default) == ("open", True)
    assert all(one.is_default for one in found.values())


def test_a_name_that_nothing_reads_is_told() -> None:
    unknown = [one.name for one in shown(SET) if not one.is_known]
    assert unknown == ["HEADGATE_SIGNUP"]
