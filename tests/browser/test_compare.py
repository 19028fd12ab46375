"""The compare component in a real Chromium: what is heard, seen, pressed, touched, hidden and told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import PATIENCE_MS, served, visit
from playwright.sync_api import Browser, Locator, Page, expect

pytestmark = pytest.mark.timeout(1800)

# The loudest frequency of what leaves the player, and its level, from an analyser hung behind its last gain.
LISTEN = """() => {
  const { player } = document.querySelector('#compare [data-part=root]').parentElement;
  if (!player.master) return { hz: 0, level: 0 };
  const ear = window.ear ??= (() => {
    const node = new AnalyserNode(player.context, { fftSize: 2048, smoothingTimeConstant: 0 });
    player.master.connect(node);
    return node;
  })();
  const bins = new Float32Array(ear.frequencyBinCount), wave = new Float32Array(ear.fftSize);
  ear.getFloatFrequencyData(bins);
  ear.getFloatTimeDomainData(wave);
  const hz = bins.indexOf(Math.max(...bins)) * player.context.sampleRate / ear.fftSize;
  return { hz, level: Math.sqrt(wave.reduce((sum, x) => sum + x * x, 0) / wave.length) };
}"""
STATE = """() => {
  const { player } = document.querySelector('#compare [data-part=root]').parentElement;
  const { video, sources } = player;
  window.first ??= sources?.[0];
  return {
    playing: player.playing, position: player.position, duration: player.duration,
    video: video.currentTime, paused: video.paused, muted: video.muted,
    gains: player.tracks.map((track) => track.gate?.gain.value), same: sources?.[0] === window.first,
  };
}"""
LOW_HZ, HIGH_HZ = 440, 1500
NOISE = "Noise under a name for which no narrow screen has any room at all"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(Path(__file__).with_name("serve_compare.py"), tmp_path_factory.mktemp("compare")) as address:
        yield address


def part(page: Page, name: str) -> Locator:
    return page.locator(f"#compare [data-part={name}]")


def ready(page: Page) -> None:
    """The script has filled the page."""
    expect(part(page, "clock")).to_contain_text("4.80 s", timeout=PATIENCE_MS)


def heard(page: Page, hz: float) -> None:
    """Wait until the loudest frequency is this one."""
    page.wait_for_function(f"Math.abs(({LISTEN})().hz - {hz}) < 40")


def running(page: Page) -> None:
    """Wait until sound and picture run together."""
    page.wait_for_function(
        f"""() => {{ const now = ({STATE})(); return now.playing && !now.paused && now.position > 0.2
            && Math.abs(now.position - now.video) < 0.06 }}"""
    )


def test_a_key_swaps_the_sound_while_the_picture_runs_on(browser: Browser, url: str) -> None:
    with visit(browser, url) as page:
        ready(page)
        part(page, "loop").check()
        part(page, "play").click()
        running(page)
        expect(part(page, "play")).to_have_text("Pause")
        heard(page, LOW_HZ)
        before = page.evaluate(STATE)
        assert before["muted"] and before["gains"][0] > 0 and before["gains"][1] == 0

        # The level over 46 ms is looked at in each frame of half a second in which the key is pressed.
        page.evaluate(
            f"""() => {{ window.levels = []; const end = performance.now() + 500;
            const look = () => {{
                levels.push(({LISTEN})().level);
                performance.now() < end ? setTimeout(look, 4) : (window.looked = true)
            }};
            look() }}"""
        )
        page.keyboard.press("x")
        page.wait_for_function("window.looked")
        levels = page.evaluate("levels")
        assert min(levels) > 0.15 * max(levels), "the swap left a gap"
        heard(page, HIGH_HZ)
        after = page.evaluate(STATE)
        assert after["same"], "a swap starts nothing anew"
        assert after["gains"][0] == 0 and after["gains"][1] > 0
        assert not after["paused"] and after["video"] != before["video"]
        expect(part(page, "said")).to_have_text("Hearing B, High take")
        expect(page.locator("#compare .cmp-now .cmp-name")).to_have_text("High take")

        part(page, "swap").click()
        heard(page, LOW_HZ)
        page.locator("#compare [data-hear='1']").click()
        heard(page, HIGH_HZ)
        page.keyboard.press("1")
        heard(page, LOW_HZ)
        # The high sound was made a quarter as loud: the same loudness is gained by gain, and can be left off.
        gains = page.evaluate(STATE)["gains"]
        part(page, "match").uncheck()
        page.wait_for_function(f"({STATE})().gains[0] === 1")
        assert gains[0] != 1

        where = "parseFloat(getComputedStyle(document.querySelector('#compare .cmp-over')).getPropertyValue('--at'))"
        page.wait_for_function(f"Math.abs({where} - ({STATE})().video / 4.8) < 0.05")
        field = page.locator("#compare .cmp-field").first.bounding_box()
        page.mouse.move(field["x"] + 0.25 * field["width"], field["y"] + 20)
        page.mouse.down()
        page.mouse.move(field["x"] + 0.5 * field["width"], field["y"] + 20, steps=4)
        assert page.evaluate(STATE)["position"] == pytest.approx(2.4, abs=0.03)
        assert not page.evaluate(STATE)["playing"], "nothing sounds while the playhead is dragged"
        page.mouse.up()
        page.wait_for_function(f"({STATE})().position > 2.5")
        page.keyboard.press("Space")
        expect(part(page, "play")).to_have_text("Play")
        stopped = page.evaluate(STATE)
        assert stopped["paused"] and not stopped["playing"]
        assert page.evaluate(where) == pytest.approx(stopped["video"] / 4.8, abs=0.02)


def test_keys_alone_do_everything(browser: Browser, url: str) -> None:
    with visit(browser, url) as page:
        ready(page)
        ruler = part(page, "ruler")
        ruler.focus()
        page.keyboard.press("ArrowRight")
        expect(ruler).to_have_attribute("aria-valuenow", "0.10")
        page.keyboard.press("Shift+ArrowRight")
        expect(ruler).to_have_attribute("aria-valuetext", "1.10 of 4.80 seconds")
        page.keyboard.press("ArrowLeft")
        expect(ruler).to_have_attribute("aria-valuenow", "1.00")
        page.wait_for_function(f"Math.abs(({STATE})().video - 1) < 0.05")
        page.keyboard.press("End")
        expect(ruler).to_have_attribute("aria-valuenow", "4.80")
        page.keyboard.press("Home")
        expect(ruler).to_have_attribute("aria-valuenow", "0.00")
        page.keyboard.press("l")
        expect(part(page, "loop")).to_be_checked()
        page.keyboard.press("Space")
        heard(page, LOW_HZ)
        page.keyboard.press("2")
        heard(page, HIGH_HZ)
        page.keyboard.press("l")
        expect(part(page, "loop")).not_to_be_checked()
        expect(part(page, "play")).to_have_text("Play", timeout=PATIENCE_MS)
        assert page.evaluate(STATE)["position"] == pytest.approx(4.8, abs=0.01), "it ends at the end"
        # Each button can be reached, and says what it is.
        names = page.evaluate(
            "[...document.querySelectorAll('#compare button, #compare input')].filter((b) => b.offsetParent)"
            ".map((b) => b.getAttribute('aria-label') || b.closest('label')?.textContent || b.textContent)"
        )
        assert all(name.strip() for name in names)
        ruler.focus()
        page.keyboard.press("+")
        page.keyboard.press("+")
        lanes = part(page, "lanes")
        assert lanes.evaluate("lanes => lanes.scrollWidth / lanes.clientWidth") == pytest.approx(4, abs=0.15)
        assert lanes.evaluate("lanes => lanes.scrollLeft") > 0, "what is played stays in sight"
        page.keyboard.press("-")
        page.keyboard.press("-")
        assert lanes.evaluate("lanes => lanes.scrollWidth - lanes.clientWidth") <= 1
        part(page, "swap").focus()
        page.keyboard.press("Space")
        expect(part(page, "said")).to_have_text("Hearing A, Low take")


@pytest.mark.parametrize("dark", [False, True])
def test_fingers_on_a_narrow_screen(browser: Browser, url: str, dark: bool) -> None:
    scheme = "dark" if dark else "light"
    with visit(browser, url, 390, 844, color_scheme=scheme, has_touch=True, is_mobile=True) as page:
        ready(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        part(page, "loop").tap()
        part(page, "play").tap()
        running(page)
        part(page, "swap").tap()
        heard(page, HIGH_HZ)
        part(page, "play").tap()
        field = page.locator("#compare .cmp-field").first
        field.scroll_into_view_if_needed()
        box = field.bounding_box()
        page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + 20)
        page.wait_for_function(f"Math.abs(({STATE})().position - 2.4) < 0.05")
        assert page.evaluate(STATE)["video"] == pytest.approx(2.4, abs=0.1)
        for button in ("play", "swap"):
            assert part(page, button).bounding_box()["height"] >= 40
        page.locator("#three").tap()
        expect(page.locator("#compare .cmp-lane")).to_have_count(4, timeout=PATIENCE_MS)
        page.get_by_role("button", name=f"Compare {NOISE} as B").tap()
        page.get_by_role("button", name="Zoom in").tap()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        for image in page.locator("#compare img").all():
            page.wait_for_function("image => image.naturalWidth > 100", arg=image.element_handle())


def test_blind_is_blind_until_the_vote(browser: Browser, url: str) -> None:
    with visit(browser, url) as page:
        ready(page)
        component = page.locator("#compare")
        assert "Low take" in component.evaluate("node => node.outerHTML")
        part(page, "blind").check()
        for label in ("Low take", "High take"):
            assert label not in component.evaluate("node => node.outerHTML")
        expect(component.locator("img")).to_have_count(0)
        expect(component.locator("[data-vote='0']")).to_be_disabled()

        part(page, "loop").check()
        part(page, "play").click()
        running(page)
        page.wait_for_function(f"({LISTEN})().level > 0")
        one_is_low = abs(page.evaluate(LISTEN)["hz"] - LOW_HZ) < 40
        expect(component.locator("[data-vote='0']")).to_be_disabled()
        page.keyboard.press("x")
        heard(page, HIGH_HZ if one_is_low else LOW_HZ)
        expect(part(page, "said")).to_have_text("Hearing 2")
        expect(component.locator("[data-vote='1']")).to_be_enabled(timeout=PATIENCE_MS)
        for label in ("Low take", "High take"):
            assert label not in component.evaluate("node => node.outerHTML")

        component.locator("[data-vote='1']").click()
        one, two = ("Low take", "High take") if one_is_low else ("High take", "Low take")
        expect(part(page, "question")).to_have_text(f"You preferred 2. 1 was “{one}”, 2 was “{two}”.")
        expect(component.locator("img")).to_have_count(3)
        preferred = {"Low take": 0, "High take": 1}[two]
        expect(page.locator("#told textarea, #told input")).to_have_value(
            f"preferred {preferred} of ['0', '1']", timeout=PATIENCE_MS
        )

        part(page, "again").click()
        assert "take" not in part(page, "body").inner_text()
        expect(part(page, "play")).to_have_text("Play")
        part(page, "blind").uncheck()
        expect(component.locator("figcaption").first).to_contain_text("Low take")


def test_the_drawn_order_changes_from_round_to_round(browser: Browser, url: str) -> None:
    with visit(browser, url) as page:
        ready(page)
        page.locator("#start-blind").click()
        expect(part(page, "blind")).to_be_checked(timeout=PATIENCE_MS)
        first = "document.querySelector('#compare [data-part=root]').parentElement.player.heard"
        drawn = []
        for _ in range(24):  # all alike by chance: once in eight million
            drawn.append(page.evaluate(first))
            part(page, "blind").uncheck()
            part(page, "blind").check()
        assert set(drawn) == {0, 1}


def test_any_two_of_three_and_then_nothing(browser: Browser, url: str) -> None:
    with visit(browser, url) as page:
        ready(page)
        page.locator("#three").click()
        component = page.locator("#compare")
        titles = component.locator(".cmp-lane .cmp-name")
        expect(titles).to_have_text(["Low take", "High take", "Difference, A minus B", NOISE], timeout=PATIENCE_MS)
        picture = component.locator("[data-difference] img")
        shown = picture.get_attribute("src")
        assert picture.get_attribute("alt") == "By how much Low take is louder than High take, over time and frequency"
        component.get_by_role("button", name=f"Compare {NOISE} as B").click()
        expect(titles).to_have_text(["Low take", NOISE, "Difference, A minus B", "High take"])
        assert picture.get_attribute("src") != shown
        component.get_by_role("button", name=f"Compare {NOISE} as A").click()
        expect(titles).to_have_text([NOISE, "Low take", "Difference, A minus B", "High take"])
        lines = component.locator(".cmp-lane path").first.get_attribute("d")
        assert [float(x) for x in re.findall(r"M([\d.]+)", lines)] == pytest.approx(
            [0.5 / 4.8, 1.4 / 4.8, 2.3 / 4.8, 3.3 / 4.8], abs=1e-4
        )
        page.locator("#nothing").click()
        expect(part(page, "empty")).to_be_visible(timeout=PATIENCE_MS)
        expect(part(page, "body")).to_be_hidden()
