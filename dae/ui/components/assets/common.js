// Shared by all components here. The text of inline components is appended to it.

// Returns the entry point of a component. `create(parent)` is called once per position on the page, the object's
// `receive(data)` in every run of the script, and its `end()`, if it has one, at the end.
// Its `setState(name, value)` reports to Python.
// While the module is being imported, messages can be delivered in any order; an older one than the last is ignored.
export function mounted(create) {
  const parts = new WeakMap()   // shadow root -> { part, runs, stamp }
  return ({ data: message, parentElement, setStateValue }) => {
    if (!parts.has(parentElement)) parts.set(parentElement, { part: create(parentElement), runs: 0, stamp: 0 })
    const mount = parts.get(parentElement), run = ++mount.runs
    const { stamp, data } = unstamp(message)
    mount.part.setState = setStateValue
    if (stamp >= mount.stamp) {
      mount.stamp = stamp
      mount.part.receive(data)
    }
    return () => {
      // Streamlit also calls this for a run that a newer one has replaced: the end is a detached host.
      if (mount.runs === run && !parentElement.host?.isConnected) {
        mount.part.end?.()
        parts.delete(parentElement)
      }
    }
  }
}

// Time stamps, in microseconds, come from `draw_component`.
function unstamp(message) {
  if (!(message instanceof Uint8Array)) return { stamp: message.stamp, data: message }
  const stamp = Number(new DataView(message.buffer, message.byteOffset).getBigUint64(0))
  return { stamp, data: message.subarray(8) }
}

// Text from Python is written as text, never as markup.
export const write = (node, text) => { if (node.textContent !== text) node.textContent = text }

export function make(tag, name, parent, attributes = {}) {
  const node = document.createElement(tag)
  if (name) node.className = name
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value)
  parent.append(node)
  return node
}

// Windows below this many CSS pixels are those of phones.
export const PHONE_WIDTH = 640

// The CSS pixels from the top of a node to the lower edge of the window, before the page is scrolled.
export function roomBelow(node) {
  const scrolled = document.querySelector('[data-testid="stMain"]')?.scrollTop ?? 0
  const bar = document.querySelector(".st-key-tour_bar")?.offsetHeight ?? 0   // at the bottom of the window
  return innerHeight - bar - node.getBoundingClientRect().top - scrolled
}

// Makes the list as long as `count` says, with `create(index)`; each entry has a `node`.
export function fill(list, count, create) {
  while (list.length > count) list.pop().node.remove()
  while (list.length < count) list.push(create(list.length))
}

// The red, green and blue channels of any CSS color, 0 to 255, converted by the browser once each.
const converted = new Map()
export function channelsOf(color) {
  if (!converted.has(color)) {
    const pen = new OffscreenCanvas(1, 1).getContext("2d")
    pen.fillStyle = color
    pen.fillRect(0, 0, 1, 1)
    converted.set(color, [...pen.getImageData(0, 0, 1, 1).data.slice(0, 3)])
  }
  return converted.get(color)
}

// Whether the focus was moved by a key. `:focus-visible` is also true after some clicks.
let tabbed = false
document.addEventListener("keydown", ({ key }) => { tabbed ||= key === "Tab" }, true)
document.addEventListener("pointerdown", () => { tabbed = false }, true)

// Elements that use keys themselves. Fields use every key but Page Up and Page Down, sliders the arrows and space.
// Buttons and choices use these only if the focus was moved there by a key: after a click on a button, an arrow is meant for
// the images.
const FIELDS = "input:not([type='range'], [type='checkbox'], [type='radio']), textarea, select, [contenteditable='true']"
const SLIDERS = "[type='range'], canvas, [role='slider'], [role='option'], [role='combobox'], [role='menuitem'], [role='grid']"
const CHOICES = "[type='checkbox'], [type='radio'], [role='radio'], [role='tab'], [role='switch'], button, a, summary"

function isFree(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return false
  const [target] = event.composedPath()   // also within a shadow root
  // A clicker also works while the focus is in a field of one line, whose list is closed.
  if (event.key.startsWith("Page") && target.matches?.("input:not([aria-expanded='true'])")) return true
  const isMove = event.key === " " || event.key.startsWith("Arrow")
  if (target.closest?.(isMove ? `${FIELDS}, ${SLIDERS}` : FIELDS)) return false
  return !(isMove && tabbed && target.closest?.(CHOICES))
}

// Calls `act(key, target, isRepeated)` for every key that no element of the page uses, also while it is held; `act` returns
// whether it has used the key.
export function onFreeKeys(act) {
  const listen = (event) => {
    // An autofilled field sends an event without a key.
    if (!event.key || !isFree(event) || !act(event.key, event.composedPath()[0], event.repeat)) return
    event.preventDefault()
    event.stopPropagation()
  }
  // In the capture phase, so before the element with the focus.
  document.addEventListener("keydown", listen, true)
  return () => document.removeEventListener("keydown", listen, true)
}

// Lets unused arrow keys move an <input type="range">, so that a presenter need not click it first. The first one moves the
// focus to the input, which handles the next ones itself. `space()` handles the space key and returns whether it did.
export function onFreeArrows(input, space = () => false) {
  return onFreeKeys((key) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, " ": 0 }[key]
    if (by === undefined || !input.checkVisibility() || Number(input.max) < 1) return false
    if (by === 0) return space()
    input.focus({ preventScroll: true })
    // The input applies its limits.
    input.value = Number(input.value) + by
    input.dispatchEvent(new Event("input"))
    return true
  })
}
