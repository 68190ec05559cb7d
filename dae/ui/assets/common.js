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

// Who uses a key that goes down on it: fields take every key, some controls the arrows and space, others space alone.
const FIELDS = "input:not([type='range'], [type='checkbox'], [type='radio']), textarea, select, [contenteditable='true']"
const STEERED = "input, canvas, [role='radio'], [role='tab'], [role='slider'], [role='option'], [role='combobox'], [role='menuitem']"
const PRESSED = "button, a, summary"

export function isFree(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return false
  const [target] = event.composedPath()   // also within a shadow root
  const users = [FIELDS]
  if (event.key === " " || event.key.startsWith("Arrow")) users.push(STEERED)
  if (event.key === " ") users.push(PRESSED)
  return !target.closest?.(users.join())
}
