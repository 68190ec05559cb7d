// Two images of the same size on top of each other, with a divider to drag between them. With steps there is a slider
// that exchanges the image on the right, a view of what was removed, and zoom.

export default mounted((parent) => new Divider(parent))

const NEAR = 24   // CSS pixels from the divider within which a drag moves it

class Divider {
  constructor(parent) {
    this.root = make("div", "divider", parent, { "data-testid": "divider" })
    this.layout = make("div", "layout", this.root)
    const picture = make("div", "picture", this.layout)
    const words = make("div", "words", picture)
    this.left = make("span", "", words)
    this.right = make("span", "", words)
    this.frame = make("div", "frame", picture)
    this.before = make("img", "", make("div", "layer", this.frame))
    this.after = make("img", "", make("div", "layer after", this.frame))
    this.input = make("input", "", this.frame, { type: "range", min: 0, max: 100, step: "any", value: 50 })
    this.input.oninput = () => this.frame.style.setProperty("--at", `${this.input.value}%`)
  }

  receive(data) {
    this.data = data
    this.root.style.setProperty("--width", `${data.width}px`)
    this.root.style.setProperty("--ratio", data.ratio)
    if (data.steps && !this.tools) this.addTools()
    if (data.steps && data.id !== this.id) {
      this.id = data.id
      Object.assign(this.slider, { max: data.steps.length - 1, value: data.step })
      this.strength.hidden = data.steps.length < 2
      this.zoom.to(1)
    }
    this.show()
  }

  // The chosen step, or the last one that was computed while its own image is missing.
  chosen() {
    const { steps, step } = this.data, wanted = steps[Number(this.slider.value)] ?? steps[step]
    return { wanted, shown: wanted.after ? wanted : steps[step] }
  }

  show() {
    const { data } = this
    const { wanted, shown } = data.steps ? this.chosen() : { shown: data }
    const single = this.view === "removed" && Boolean(shown.removed)
    const afterWords = wanted?.words ?? data.afterWords
    set(this.before, single ? shown.removed : data.before, single ? "Removed noise" : data.beforeWords)
    set(this.after, shown.after, afterWords)
    write(this.left, single ? data.removedWords : data.beforeWords)
    write(this.right, single ? "" : data.afterWords)
    this.root.classList.toggle("single", single)
    this.root.classList.toggle("stale", Boolean(wanted && !wanted.after))
    if (this.label) write(this.label, wanted.words)
    this.magnify()
    this.input.setAttribute("aria-label", `Divider between ${data.beforeWords} and ${data.afterWords}`)
  }

  addTools() {
    const beside = make("div", "beside", this.layout)
    this.strength = make("label", "strength", beside)
    write(make("span", "", this.strength), this.data.sliderWords)
    this.slider = make("input", "", this.strength, { type: "range", min: 0, step: 1, "data-testid": "strength" })
    this.label = make("output", "", this.strength)
    this.slider.oninput = () => this.show()
    this.slider.onchange = () => this.setState("step", Number(this.slider.value))
    const tools = this.tools = make("div", "tools", beside)
    this.views = this.group(tools, { compare: "Before and after", removed: "Removed noise" }, (view) => {
      this.view = view
      this.show()
    })
    this.scales = this.group(tools, { fit: "Fit", native: "100%", double: "200%" }, (scale) => {
      this.zoom.to({ fit: 1, native: this.zoom.native(), double: 2 * this.zoom.native() }[scale])
    })
    this.zoom = new Zoom(this.frame, [this.before, this.after], () => this.magnify())
    this.before.onload = () => this.magnify()
    this.views("compare")
    this.frame.addEventListener("pointerdown", (event) => this.grab(event))
    this.input.addEventListener("keydown", (event) => this.pan(event))
  }

  // Adds a row of buttons; returns a function that marks one of them.
  group(parent, names, act) {
    const row = make("div", "group", parent, { role: "group" })
    const buttons = Object.fromEntries(Object.entries(names).map(([name, text]) => {
      const button = make("button", "", row, { type: "button", "aria-pressed": false })
      write(button, text)
      button.onclick = () => { mark(name); act(name) }
      return [name, button]
    }))
    const mark = (chosen, possible = () => true) => {
      for (const [name, button] of Object.entries(buttons)) {
        button.setAttribute("aria-pressed", name === chosen)
        button.disabled = !possible(name)
      }
    }
    return mark
  }

  // Once zoomed, a drag near the divider moves it, and a drag elsewhere moves the images.
  grab(event) {
    if (this.zoom.scale <= 1 || event.button) return
    const box = this.frame.getBoundingClientRect(), at = box.left + (box.width * this.input.value) / 100
    const divides = this.view !== "removed" && Math.abs(event.clientX - at) < NEAR
    let { clientX: x, clientY: y } = event
    this.frame.setPointerCapture(event.pointerId)
    this.frame.onpointermove = (moved) => {
      if (divides) {
        this.input.value = ((moved.clientX - box.left) / box.width) * 100
        this.input.oninput()
      } else this.zoom.move(moved.clientX - x, moved.clientY - y)
      ;({ clientX: x, clientY: y } = moved)
    }
    this.frame.onpointerup = this.frame.onpointercancel = () => { this.frame.onpointermove = null }
  }

  // Shift and an arrow key move the zoomed images.
  pan(event) {
    const [x, y] = { ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40] }[event.key] ?? []
    if (x === undefined || !event.shiftKey || this.zoom.scale <= 1) return
    event.preventDefault()
    this.zoom.move(x, y)
  }

  magnify() {
    const scale = this.zoom?.scale ?? 1
    const native = this.zoom && this.before.naturalWidth ? this.zoom.native() : Infinity
    this.root.classList.toggle("zoomed", scale > 1)
    this.root.classList.toggle("pixelated", this.data.pixelated || scale > 1.5 * native)
    const times = scale / native
    // An image with fewer pixels than its frame is magnified already.
    const sizes = { fit: Infinity, native, double: 2 * native }
    this.scales?.(scale <= 1 ? "fit" : { "1.0": "native", "2.0": "double" }[times.toFixed(1)], (name) => sizes[name] > 1)
  }

  end() { this.zoom?.end() }
}

function set(image, source, words) {
  if (image.getAttribute("src") !== source) image.src = source
  image.alt = words
}
