"""The welcome promises nothing that this model doesn't keep: what answers, and a figure that it really gives."""

from figures import calibrator
from scripted import ScriptedEngine

from lacie_chat.chat.speaker import Origin
from lacie_chat.tui.widgets.welcome import example

NAME = "SmolLM2-135M-Instruct"
WITH_BOTH = {
    "adapter_name": "LACIE",
    "calibrator": calibrator(n=300, right=51),
    "baseline_calibrator": calibrator(n=765, right=128),
    "origin": Origin("embedded", "embedded", "aa-bb"),
    "baseline_origin": Origin("embedded", None, "aa"),
}


async def test_it_says_with_the_adapter_or_alone_as_it_is(driven) -> None:
    async with driven(ScriptedEngine(), **WITH_BOTH) as driver:
        await driver.until(lambda: f"{NAME} with LACIE · 135\u00a0M" in driver.text())
        await driver.pilot.press("ctrl+l")
        await driver.until(lambda: f"{NAME} alone, the baseline · 135\u00a0M" in driver.text())
        assert "with LACIE ·" not in driver.text()
        await driver.pilot.press("ctrl+l")
        await driver.until(lambda: f"{NAME} with LACIE · 135\u00a0M" in driver.text())


async def test_its_figure_is_the_share_of_right_answers_in_the_test_of_what_answers(driven) -> None:
    async with driven(ScriptedEngine(), **WITH_BOTH) as driver:
        await driver.until(
            lambda: "For example (17\u00a0% of all its answers were right when tested):" in driver.text()
        )
        assert "right about 1 in 6 (17\u00a0%)" in driver.text() and "▲ sounds surer than it is" in driver.text()
    async with driven(ScriptedEngine(), **{**WITH_BOTH, "calibrator": calibrator(n=100, right=80)}) as driver:
        await driver.until(
            lambda: "For example (80\u00a0% of all its answers were right when tested):" in driver.text()
        )
        assert "right about 4 in 5 (80\u00a0%)" in driver.text() and "● the tone fits" in driver.text()
        await driver.pilot.press("ctrl+l")
        await driver.until(lambda: "17\u00a0% of all its answers" in driver.text())


async def test_without_a_calibrator_it_has_no_figure(driven) -> None:
    own = {**WITH_BOTH, "baseline_calibrator": None}
    async with driven(ScriptedEngine(), **own) as driver:
        await driver.pilot.press("ctrl+l")
        await driver.until(lambda: "how often right? lacie calibrate --baseline" in driver.text())
        assert "For example:" in driver.text() and "right about" not in driver.text()
        assert example(driver.session).assessment.p_right is None
