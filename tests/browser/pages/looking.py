"""How every page is looked at: by axe-core, and by the tabulator key."""

from pathlib import Path

from playwright.sync_api import Page

WIDTHS = (390, 560, 768, 1024, 1280, 1920)
"""Pixels, from a phone to a large screen."""
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_RUN = """async (rules) => {
  const found = await axe.run(document, {runOnly: rules, resultTypes: ['violations']});
  return found.violations.flatMap((one) =>
    one.nodes.map((node) => `${one.id}: ${node.target} (${one.help})`));
}"""
# What a person could click on, and sees.
_OPERABLE = """() => {
  const found = document.querySelectorAll('a[href], button, input, select, textarea, summary');
  [...found].filter((one) => one.type !== 'hidden' && !one.disabled
    && one.checkVisibility({visibilityProperty: true})
    && !one.closest('[inert]')
    // Of radio buttons of one name the tabulator reaches one; arrows lead on.
    && one.type !== 'radio').forEach((one, number) => one.setAttribute('data-to-reach', number));
  document.body.setAttribute('tabindex', '-1');
  document.body.focus();
}"""
_LEFT = """() => [...document.querySelectorAll('[data-to-reach]')].map((one) =>
  `${one.localName}: ${(one.textContent || one.name || '').trim().slice(0, 40)}`)"""
_STEP = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  one.removeAttribute('data-to-reach');
  // Within a date the tabulator goes from part to part, which the browser marks by itself.
  if (one.type?.startsWith('date')) return '';
  const style = getComputedStyle(one);
  const marked = style.outlineStyle !== 'none' || style.boxShadow !== 'none';
  return marked && one.matches(':focus-visible') ? '' : one.outerHTML.slice(0, 120);
}"""
_MOST_STEPS = 600


def findings(page: Page, axe: Path) -> list[str]:
    """Return what axe-core says is wrong on a page, as `rule: element (help)`."""
    # Not as an element of the page: its policy lets no foreign script in.
    page.evaluate((axe / "node_modules/axe-core/axe.min.js").read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(_RUN, _RULES)
    return found


def unreached(page: Page) -> list[str]:
    """Return what the tabulator key does not lead to, and what it leads to without a sign of it."""
    page.evaluate(_OPERABLE)
    unseen: list[str] = []
    for _ in range(_MOST_STEPS):
        page.keyboard.press("Tab")
        seen = page.evaluate(_STEP)
        if seen is None:
            break
        if seen:
            unseen.append(f"focused without a sign of it: {seen}")
    left: list[str] = page.evaluate(_LEFT)
    return left + unseen
