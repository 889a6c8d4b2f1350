"""How much one rendering may do, so that no text can take a worker down."""

from typing import Final

MAX_RANGE: Final = 1_000_000
MAX_LOOP_STEPS: Final = 1_000_000
MAX_ITEMS: Final = 5_000_000
MAX_TEXT: Final = 50_000_000
# All texts and lists one rendering makes on its way, in bytes, roughly: what loops may pile up.
MAX_MADE: Final = 1_000_000_000
MAX_NESTING: Final = 100
MAX_RENDERINGS: Final = 100
# Texts rendered from within texts: each level takes several Python frames of the thousand there are.
MAX_NESTED_RENDERINGS: Final = 50
MAX_DIGITS: Final = 10_000
MAX_JQ_RESULTS: Final = 1_000_000
# Of the process that runs jq: seconds of processor time a query, bytes of address space, seconds by the clock.
JQ_SECONDS: Final = 1
JQ_MEMORY: Final = 1_000_000_000
JQ_WALL_SECONDS: Final = 30.0
# Of processor time: a busy machine takes longer by the clock.
REGEX_SECONDS: Final = 1.0
CACHED_TEMPLATES: Final = 1000
