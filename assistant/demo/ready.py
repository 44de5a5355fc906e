"""What the demo's examples teach, learnt beforehand: a fresh demo understands its first message as well as any later one.

Owns the file beside it, whose name is the digest of what it was learnt from: where that is not what is taught now, there is
no such file, and the demo learns like any tenant. `make demo-learnt` writes it anew, and a test fails until that is done.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from assistant.embeddings.encoders import model_of, name_for
from assistant.intents.learning import apart, stored
from assistant.intents.learning.arrays import Learnt, pack, unpack
from assistant.intents.lessons import called_of, invalidate, state_of
from assistant.intents.skills import Skill, digest_of, examples_of, read_facts, read_skills
from assistant.knowledge.facts import Fact, in_order
from tenants.scope import current_tenant_id
from tenants.tenant_settings import settings_for

LEARNT = Path(__file__).with_name("learnt")
STEPS = 512  # of the numbers of the first look, within 1


def ready_seed() -> bool:
    """Keep it as what the tenant in scope has learnt. False where that is known already, or the file is of other examples."""
    skills, facts = read_skills(), in_order([_named(fact) for fact in read_facts()])
    path = path_of(skills, facts, settings_for(current_tenant_id()).languages)
    if not path.exists():
        return False
    ids = {_named(fact).id: fact.id for fact in read_facts()}
    known = [replace(fact, id=ids[fact.id]) for fact in facts]
    rows, digest = stored.trainings(), digest_of(skills, known)
    former = stored.training_for(rows, digest)
    if former and stored.numbers_of(former):
        return False
    row = stored.training_claim(rows, digest, state_of(skills, known))
    if row is None:
        return False
    examples = examples_of(skills, facts)
    learnt = unpack(path.read_bytes(), skills, examples, facts)
    learnt = replace(learnt, knowledge=replace(learnt.knowledge, facts=tuple(known)))
    kept = stored.numbers_keep(row, pack(learnt, examples))
    invalidate(current_tenant_id())
    return kept


def ready_write() -> Path:
    """Learn it, in place of what was learnt before. Raises LearningFailed."""
    skills, facts = read_skills(), in_order([_named(fact) for fact in read_facts()])
    languages = settings_for(current_tenant_id()).languages
    path, examples = path_of(skills, facts, languages), examples_of(skills, facts)
    learnt = apart.meant(apart.learnt(examples, facts), examples, called_of(skills), name_for(languages))
    LEARNT.mkdir(exist_ok=True)
    for former in LEARNT.iterdir():
        former.unlink()
    path.write_bytes(pack(_rounded(learnt), level=9))
    return path


def _rounded(learnt: Learnt) -> Learnt:
    """Half the bytes of the file: what is added up are dozens of products, and none of them counts for more than hundredths."""
    import numpy as np

    scorer = learnt.classifier.scorer
    weights = np.round(scorer.weights * STEPS) / np.float32(STEPS)
    classifier = replace(learnt.classifier, scorer=replace(scorer, weights=weights))
    return replace(learnt, classifier=classifier)


def path_of(skills: Mapping[str, Skill], facts: Sequence[Fact], languages: Sequence[str]) -> Path:
    """Of what these teach, by the network of that tenant."""
    told = json.dumps([digest_of(skills, facts), called_of(skills), model_of(name_for(languages))], sort_keys=True)
    return LEARNT / f"{hashlib.sha256(told.encode()).hexdigest()}.npz"


def _named(fact: Fact) -> Fact:
    """By language and title in place of the row's id, which is another one in each database."""
    return replace(fact, id=f"{fact.language}:{fact.title}")
