"""Is every line in exactly one segment, at whichever step the agent is killed?"""

import os
from collections.abc import Iterator
from typing import Any, cast

import pytest

from headgate.node.admin import EnvoyAdmin, EnvoySilent
from headgate.node.paths import NodePaths
from headgate.node.seal import Sealer
from headgate.node.spool import segment_path
from tests.unit.node.envoy_admin import LogReopener

pytestmark = pytest.mark.anyio
BOOT = "0123abcd"


@pytest.fixture
def envoy(paths: NodePaths) -> Iterator[LogReopener]:
    made = LogReopener(paths.access_log)
    yield made
    made.close()


def sealer(paths: NodePaths, boot: str = BOOT) -> Sealer:
    made = Sealer(paths, "nod1")
    made.begin_boot(boot)
    return made


def admin(envoy: LogReopener) -> EnvoyAdmin:
    return cast("EnvoyAdmin", cast("Any", envoy))


def lines(paths: NodePaths) -> list[bytes]:
    return [
        line for path in sorted(paths.spool.iterdir()) for line in path.read_bytes().splitlines()
    ]


async def test_what_was_written_is_sealed_and_the_rest_goes_to_the_next_segment(
    paths: NodePaths, envoy: LogReopener
) -> None:
    seal = sealer(paths)
    envoy.write(b"1")
    first = await seal.seal(admin(envoy))
    envoy.write(b"2")
    second = await seal.seal(admin(envoy))
    assert first is not None
    assert second is not None
    assert segment_path(paths.spool, first).read_bytes() == b"1\n"
    assert segment_path(paths.spool, second).read_bytes() == b"2\n"
    assert (first.sequence, second.sequence) == (1, 2)


async def test_an_empty_log_is_left_alone(paths: NodePaths, envoy: LogReopener) -> None:
    assert await sealer(paths).seal(admin(envoy)) is None
    assert envoy.reopened == 0


@pytest.mark.parametrize("step", ["linked", "unlinked", "reopened"])
async def test_an_agent_killed_between_two_steps_loses_and_doubles_nothing(
    paths: NodePaths, envoy: LogReopener, step: str
) -> None:
    envoy.write(b"1")
    target = paths.spool / f"nod1-{BOOT}-00000001.jsonl"
    os.link(paths.access_log, target)
    if step != "linked":
        paths.access_log.unlink()
    if step == "reopened":
        await envoy.reopen_logs()
    envoy.write(b"2")
    seal = sealer(paths)
    await seal.recover(admin(envoy))
    assert seal.pending is None
    envoy.write(b"3")
    await seal.seal(admin(envoy))
    assert lines(paths) == [b"1", b"2", b"3"]


async def test_a_segment_that_envoy_still_writes_to_is_not_given_away(
    paths: NodePaths, envoy: LogReopener
) -> None:
    seal = sealer(paths)
    envoy.write(b"1")
    envoy.is_silent = True
    with pytest.raises(EnvoySilent):
        await seal.seal(admin(envoy))
    assert seal.pending == paths.spool / f"nod1-{BOOT}-00000001.jsonl"
    envoy.write(b"2")
    envoy.is_silent = False
    await seal.seal(admin(envoy))
    assert seal.pending is None
    assert lines(paths) == [b"1", b"2"]


async def test_after_a_restart_too_the_open_segment_is_known(
    paths: NodePaths, envoy: LogReopener
) -> None:
    envoy.write(b"1")
    os.link(paths.access_log, paths.spool / f"nod1-{BOOT}-00000001.jsonl")
    paths.access_log.unlink()
    envoy.is_silent = True
    seal = sealer(paths)
    with pytest.raises(EnvoySilent):
        await seal.recover(admin(envoy))
    assert seal.pending is not None
    assert seal.settled.is_set()


async def test_a_number_is_never_used_twice_even_when_its_segment_is_gone(
    paths: NodePaths, envoy: LogReopener
) -> None:
    envoy.write(b"1")
    first = await sealer(paths).seal(admin(envoy))
    assert first is not None
    segment_path(paths.spool, first).unlink()
    envoy.write(b"2")
    second = await sealer(paths).seal(admin(envoy))
    assert second is not None
    assert second.sequence == first.sequence + 1


def test_a_left_over_log_is_sealed_with_its_last_line_ended(paths: NodePaths) -> None:
    paths.access_log.write_bytes(b"1\n2")
    name = sealer(paths).seal_left_over(paths.access_log, BOOT)
    assert name is not None
    assert segment_path(paths.spool, name).read_bytes() == b"1\n2\n"
    assert not paths.access_log.exists()


def test_an_empty_left_over_is_removed_without_a_segment(paths: NodePaths) -> None:
    paths.access_log.touch()
    assert sealer(paths).seal_left_over(paths.access_log, BOOT) is None
    assert not paths.access_log.exists()
    assert list(paths.spool.iterdir()) == []


def test_a_left_over_that_was_linked_already_gets_no_second_name(paths: NodePaths) -> None:
    paths.access_log.write_bytes(b"1\n")
    os.link(paths.access_log, paths.spool / f"nod1-{BOOT}-00000007.jsonl")
    name = sealer(paths).seal_left_over(paths.access_log, BOOT)
    assert name is not None
    assert name.sequence == 7
    assert len(list(paths.spool.iterdir())) == 1


def test_the_log_of_a_replaced_envoy_is_sealed_under_its_own_boot(paths: NodePaths) -> None:
    seal = sealer(paths, boot="ffff0000")
    seal.draining_log(BOOT).write_bytes(b"1\n")
    assert seal.left_over_draining_logs() == [(seal.draining_log(BOOT), BOOT)]
    name = seal.seal_left_over(seal.draining_log(BOOT), BOOT)
    assert name is not None
    assert name.boot == BOOT


async def test_the_log_of_a_replaced_envoy_takes_no_number_that_was_shipped(
    paths: NodePaths, envoy: LogReopener
) -> None:
    old = sealer(paths)
    envoy.write(b"1")
    shipped = await old.seal(admin(envoy))
    assert shipped is not None
    segment_path(paths.spool, shipped).unlink()
    log = old.draining_log(BOOT)
    log.write_bytes(b"2\n")
    new = sealer(paths, "89abcdef")
    envoy.write(b"3")
    await new.seal(admin(envoy))  # the file of the last number speaks of the new boot now
    sealed = new.seal_left_over(log, BOOT)
    assert sealed is not None
    assert sealed.boot == BOOT
    assert sealed.sequence != shipped.sequence
