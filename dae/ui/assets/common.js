// What every component here begins with; inline ones have it put before their own text.

// A component's entry point: one `create(parent)` for each place on the page, given the data of every run of the script
// by its `receive`, and ended by its `end`. Its `setState(name, value)` tells Python.
export function mounted(create) {
  const parts = new WeakMap()   // shadow root -> { part, runs }
  return ({ data, parentElement, setStateValue }) => {
    if (!parts.has(parentElement)) parts.set(parentElement, { part: create(parentElement), runs: 0 })
    const mount = parts.get(parentElement), run = ++mount.runs
    mount.part.setState = setStateValue
    mount.part.receive(data)
    return () => {
      // Streamlit also calls this for a run that a newer one has overtaken: only a detached host is an end.
      if (mount.runs === run && !parentElement.host?.isConnected) {
        mount.part.end()
        parts.delete(parentElement)
      }
    }
  }
}

// Text from Python is only ever written as text, never as markup.
export const write = (node, text) => { if (node.textContent !== text) node.textContent = text }

export function make(tag, name, parent, attributes = {}) {
  const node = document.createElement(tag)
  if (name) node.className = name
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value)
  parent.append(node)
  return node
}

let tabbed = false   // whether the focus came by key to where it is; `:focus-visible` says so after some clicks too
document.addEventListener("keydown", ({ key }) => { tabbed ||= key === "Tab" }, true)
document.addEventListener("pointerdown", () => { tabbed = false }, true)

// Who uses a key that goes down on it. Fields take every key, what slides the arrows and space; what is chosen or pressed
// takes them only if it was reached by key: who has clicked a button means the pictures with the next arrow.
const FIELDS = "input:not([type='range'], [type='checkbox'], [type='radio']), textarea, select, [contenteditable='true']"
const SLIDES = "[type='range'], canvas, [role='slider'], [role='option'], [role='combobox'], [role='menuitem'], [role='grid']"
const CHOSEN = "[type='checkbox'], [type='radio'], [role='radio'], [role='tab'], [role='switch'], button, a, summary"

function isFree(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return false
  const [target] = event.composedPath()   // also within a shadow root
  const moving = event.key === " " || event.key.startsWith("Arrow")
  if (target.closest?.(moving ? `${FIELDS}, ${SLIDES}` : FIELDS)) return false
  return !(moving && tabbed && target.closest?.(CHOSEN))
}

// Call `act` with every key that goes down and belongs to nothing on the page, and where it did; it answers whether it has
// used it.
export function onFreeKeys(act) {
  const listen = (event) => {
    if (!isFree(event) || !act(event.key, event.composedPath()[0])) return
    event.preventDefault()
    event.stopPropagation()
  }
  document.addEventListener("keydown", listen, true)   // before whatever was clicked last
  return () => document.removeEventListener("keydown", listen, true)
}

// A presenter need not click first: free arrows move the first slider of a page, an <input type="range">. From then on it
// has the focus, and the keys are its own. `space` is what the space key does, if anything.
export function onFreeArrows(input, space = () => false) {
  return onFreeKeys((key) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, " ": 0 }[key]
    if (by === undefined || !input.checkVisibility() || Number(input.max) < 1) return false
    if (by === 0) return space()
    input.focus({ preventScroll: true })
    input.value = Number(input.value) + by   // at once: the next key finds it there; the input keeps its limits
    input.dispatchEvent(new Event("input"))
    return true
  })
}
