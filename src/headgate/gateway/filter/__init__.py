"""Which modules does Envoy load? All are built from the Zig files beside this one.

`libheadgate.so` is the access filter, `libheadgate_cache.so` the store of the policy
`cache`, `libheadgate_json.so` changes bodies for `json_body`, `libheadgate_errors.so` writes
refusals for `error_bodies`, `libheadgate_trial.so` answers trials of requests in place of an
upstream.
"""

from pathlib import Path

MODULE_NAME = "headgate"  # Envoy looks for lib<name>.so
CACHE_MODULE_NAME = "headgate_cache"
ERRORS_MODULE_NAME = "headgate_errors"
JSON_MODULE_NAME = "headgate_json"
TRIAL_MODULE_NAME = "headgate_trial"
FOLDER = Path(__file__).parent
LIBRARIES = tuple(
    f"lib{name}.so"
    for name in (
        MODULE_NAME,
        CACHE_MODULE_NAME,
        ERRORS_MODULE_NAME,
        JSON_MODULE_NAME,
        TRIAL_MODULE_NAME,
    )
)
