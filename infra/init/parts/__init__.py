"""The parts that a product can do without, in the order in which they are offered."""

from infra.init.part import Part
from infra.init.parts.bench import BENCH
from infra.init.parts.decisions import DECISIONS
from infra.init.parts.demo import DEMO
from infra.init.parts.drills import DRILLS
from infra.init.parts.findings import FINDINGS
from infra.init.parts.posts import POSTS
from infra.init.parts.second_factor import SECOND_FACTOR
from infra.init.parts.sign_in import SIGN_IN
from infra.init.parts.tiers import TIERS

PARTS: dict[str, Part] = {
    part.name: part
    for part in (POSTS, TIERS, SECOND_FACTOR, SIGN_IN, DEMO, BENCH, DRILLS, FINDINGS, DECISIONS)
}
