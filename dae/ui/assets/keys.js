// Keys that work on the whole page: each clicks what Python names. And the large view, from the click on, which Python then
// hears of: tables take the size of their letters from the page once, when they come.

export default mounted((parent) => new Keys(parent))

// What scrolls is a part of the page, and a browser scrolls that only once something in it has been clicked.
const SCROLLS = { ArrowUp: [-80, 0], ArrowDown: [80, 0], PageUp: [0, -0.85], PageDown: [0, 0.85] }   // CSS pixels, heights

function scroll(key, target) {
  const main = document.querySelector('[data-testid="stMain"]')
  const isOurs = target.type === "range" && target.getRootNode() !== document   // Streamlit's own sliders use these keys
  if (!main || !(target === document.body || isOurs)) return false
  const [pixels, heights] = SCROLLS[key]
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches
  main.scrollBy({ top: pixels + heights * main.clientHeight, behavior: calm ? "auto" : "smooth" })
  return true
}

const LARGE = "large"
const show = (large) => { document.documentElement.dataset.view = large ? LARGE : "usual" }

class Keys {
  constructor(parent) {
    make("span", "", parent, { "data-testid": "listening" })   // says to who waits for it that keys work from now on
    const ignore = onFreeKeys((key, target) => {
      if (SCROLLS[key]) return scroll(key, target)
      const node = document.querySelector(this.selectors[key.toLowerCase()] || "no-such")
      node?.click()
      return Boolean(node)
    })
    const turn = ({ target }) => { if (target.closest?.(this.selectors.l)) show(document.documentElement.dataset.view !== LARGE) }
    document.addEventListener("click", turn, true)
    this.end = () => { ignore(); document.removeEventListener("click", turn, true) }
  }

  receive({ selectors, large }) {
    this.selectors = selectors
    show(large)
  }
}
