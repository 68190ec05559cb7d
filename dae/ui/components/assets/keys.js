// Keyboard shortcuts of the page: each key clicks an element that Python names. Also switches presentation mode at the click,
// before Python receives it: tables read the font size of the page once, when they are created. And keeps one entry per page in
// the browser's history.

export default mounted((parent) => new Keys(parent))

// A browser scrolls the main part of the page by keys only after a click into it.
const SCROLLS = { ArrowUp: [-80, 0], ArrowDown: [80, 0], PageUp: [0, -0.85], PageDown: [0, 0.85] }   // CSS pixels, heights

function scroll(key, target) {
  const main = document.querySelector('[data-testid="stMain"]')
  // Sliders in a shadow root are ours. Streamlit's own sliders use these keys.
  const isOurs = target.type === "range" && target.getRootNode() !== document
  if (!main || !(target === document.body || isOurs)) return false
  const [pixels, heights] = SCROLLS[key]
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches
  main.scrollBy({ top: pixels + heights * main.clientHeight, behavior: calm ? "auto" : "smooth" })
  return true
}

const tourLink = (name) => document.querySelector(`.st-key-tour_bar a.tour-${name}`)
const TOUR = { PageUp: "back", PageDown: "next" }

// Streamlit adds an entry to the browser's history when Python writes a query parameter. The state of a page belongs to the
// entry of that page: Back leads to the page before. After a click on a link, Streamlit writes parameters of the new page
// before its path, so the entry of the former page is restored. After Back, a message that the server sent for the page left can
// still arrive: Streamlit would add an entry for it, from which Back leads nowhere. Only a click opens another page.
function keepOneEntryPerPage() {
  if (Object.hasOwn(history, "pushState")) return   // by an earlier import of this module
  const push = history.pushState, isHere = (url) => new URL(url ?? "", location.href).pathname === location.pathname
  let left = ""   // address of the page that a click leaves
  let wentBack = false   // without a click since
  document.addEventListener("click", ({ target, ctrlKey, metaKey, shiftKey }) => {
    wentBack = false
    const link = target.closest?.('[data-testid="stPageLink"] a')
    if (link && !isHere(link.href) && !(ctrlKey || metaKey || shiftKey)) left ||= location.href
  }, true)
  addEventListener("popstate", () => { left = ""; wentBack = true })
  history.pushState = (state, unused, url) => {
    if (isHere(url)) return history.replaceState(state, unused, url)
    if (wentBack) return
    if (left) history.replaceState(state, unused, left)
    left = ""
    push.call(history, state, unused, url)
  }
}
keepOneEntryPerPage()

const LARGE = "large"
const show = (large) => { document.documentElement.dataset.view = large ? LARGE : "usual" }

class Keys {
  constructor(parent) {
    // Tests wait for it: from now on keys work.
    make("span", "", parent, { "data-testid": "listening" })
    const ignore = onFreeKeys((key, target, isRepeated) => {
      // During the tour a clicker turns the stops.
      if (TOUR[key] && tourLink("here")) { tourLink(TOUR[key])?.click(); return true }
      if (SCROLLS[key]) return scroll(key, target)
      if (isRepeated) return false
      const node = document.querySelector(this.selectors[key.toLowerCase()] || "no-such")
      node?.click()
      return Boolean(node)
    })
    const turn = ({ target }) => { if (target.closest?.(this.selectors.l)) show(document.documentElement.dataset.view !== LARGE) }
    // The icon of a tooltip is part of the label of its switch, which a press of it would turn.
    const keepSwitch = (event) => {
      if (!event.target.closest?.('label [data-testid="stTooltipIcon"]')) return
      event.stopPropagation()
      event.preventDefault()
    }
    const listeners = [["click", turn], ["click", keepSwitch], ["pointerdown", keepSwitch]]
    for (const [name, listen] of listeners) document.addEventListener(name, listen, true)
    this.end = () => { ignore(); for (const [name, listen] of listeners) document.removeEventListener(name, listen, true) }
  }

  receive({ selectors, large }) {
    this.selectors = selectors
    show(large)
  }
}
