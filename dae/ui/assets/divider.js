// Two pictures of one size, one over the other, and a divider to drag between them.

const dividers = new WeakMap()   // shadow root -> its parts

export default function ({ data, parentElement }) {
  let parts = dividers.get(parentElement)
  if (!parts) dividers.set(parentElement, (parts = build(parentElement)))
  parts.before.src = data.before
  parts.after.src = data.after
  parts.before.alt = data.beforeWords
  parts.after.alt = data.afterWords
  parts.root.style.setProperty("--width", `${data.width}px`)
  parts.root.style.setProperty("--ratio", data.ratio)
  parts.root.classList.toggle("pixelated", data.pixelated)
  parts.input.setAttribute("aria-label", `Divider between ${data.beforeWords} and ${data.afterWords}`)
  parts.left.textContent = data.beforeWords
  parts.right.textContent = data.afterWords
}

function build(parent) {
  const make = (tag, name, into) => {
    const node = document.createElement(tag)
    node.className = name
    into.append(node)
    return node
  }
  const root = make("div", "divider", parent)
  root.dataset.testid = "divider"
  const words = make("div", "words", root)
  const left = make("span", "", words), right = make("span", "", words)
  const frame = make("div", "frame", root)
  const before = make("img", "before", frame), after = make("img", "after", frame)
  const input = make("input", "", frame)
  Object.assign(input, { type: "range", min: 0, max: 100, value: 50 })
  input.oninput = () => frame.style.setProperty("--at", `${input.value}%`)
  return { root, left, right, before, after, input }
}
