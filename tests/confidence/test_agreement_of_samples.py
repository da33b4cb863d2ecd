"""Agreement: how many samples give the same answer, and what it does to an assessment."""

from dataclasses import replace

import pytest
from counting import counted

from lacie_chat.confidence import (
    Agreement,
    Assessment,
    Calibrator,
    Form,
    Listener,
    TunedListener,
    WayOfDrawing,
    agreement_of,
    agreement_text,
    assess,
    can_agree,
    confidence_text,
    with_agreement,
)

QUESTION = "What is the capital of Norway?"


def test_the_share_of_samples_that_say_the_same(listener: TunedListener) -> None:
    counting, calls = counted(listener)
    samples = [
        "The capital of Norway is Oslo.",
        "I think it's Oslo, but I may be wrong.",
        "The capital of Norway is Bergen.",
        "I don't know.",
        "",
    ]
    assert agreement_of(QUESTION, "Oslo", samples, listener=counting) == Agreement(0.4, 5)
    assert calls.made == [0, 1], "one call for all samples"


def test_samples_that_all_abstain_need_no_reader(listener: TunedListener) -> None:
    counting, calls = counted(listener)
    assert agreement_of(QUESTION, "Oslo", ["I don't know.", ""], listener=counting) == Agreement(0.0, 2)
    assert calls.made == [0, 0]
    with pytest.raises(ValueError, match="at least one sample"):
        agreement_of(QUESTION, "Oslo", [], listener=counting)


def _calibrator(*sampled: Form) -> Calibrator:
    return Calibrator(
        forms=(*sampled, Form(0.0, {"acceptance": 1.0})), n=98, right=50, source="own",
        model_fingerprint="abc", assessment_version="1", sampling=WayOfDrawing(0.2, 0.95, 40, 1.05),
    )  # fmt: skip


def test_a_calibrator_that_has_a_use_for_it_gives_p_right_anew(listener: Listener) -> None:
    plain, sampled = _calibrator(), _calibrator(Form(-1.0, {"agreement": 2.0}))
    found = assess(QUESTION, "It is Oslo.", listener=listener, calibrator=sampled)
    assert found.acceptance is not None
    assert found.p_right == pytest.approx(found.acceptance, abs=0.01)
    low, high = (with_agreement(found, Agreement(value, 5), sampled) for value in (0.0, 1.0))
    assert (low.p_right, high.p_right) == pytest.approx((0.2689, 0.7311), abs=1e-4)
    assert with_agreement(found, Agreement(1.0, 5), plain).p_right == found.p_right
    assert can_agree(found) and not can_agree(replace(found, answer_span=None))
    assert not can_agree(replace(found, state="abstained"))
    assert with_agreement(replace(found, state="no_claim"), Agreement(1.0, 5), sampled).p_right is None


def test_it_is_said_on_the_line_and_kept_in_the_record(listener: Listener) -> None:
    found = with_agreement(assess(QUESTION, "It is Oslo.", listener=listener), Agreement(0.6, 5), None)
    assert agreement_text(Agreement(0.6, 5)) == "3 of 5 samples agree"
    assert agreement_text(Agreement(0.2, 5)) == "1 of 5 samples agrees"
    assert agreement_text(Agreement(0.0, 1)) == "0 of 1 sample agree"
    assert confidence_text(found).endswith(" · 3 of 5 samples agree")
    assert found.to_dict()["agreement"] == {"value": 0.6, "k": 5}
    assert Assessment.from_dict(found.to_dict()) == found
