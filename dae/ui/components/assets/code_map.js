// Images as points, in one panel per model, under one slider of the noise level. Python computed the positions in advance; a
// drag moves the points here. Reports the image that is clicked, and the slider when it is released.

const HIT_RADIUS = 14   // CSS pixels
const CARD_SIZE = 140   // approximate CSS pixels of the image next to the pointer

export default mounted((parent) => new CodeMap(parent))

class CodeMap {
  panels = []
  picked = -1
  hovered = -1
  only = -1             // the selected class
  turn = [0.6, 0.35]    // rotation of a 3D map, in radians

  constructor(parent) {
    this.root = make("div", "code-map", parent, { role: "group", "data-testid": "code-map" })
    const head = make("div", "head", this.root)
    this.label = make("label", "label", head, { for: "strength" })
    this.value = make("div", "value", head, { "aria-hidden": "true" })
    this.input = make("input", "", head, { type: "range", id: "strength", min: 0, step: 1, "data-testid": "code-map-input" })
    this.legend = make("ul", "legend", head)
    this.body = make("div", "panels", this.root)
    this.caption = make("p", "caption", this.root)
    this.card = make("div", "card", this.root, { "data-testid": "code-map-card" })
    this.card.hidden = true
    this.cardImage = make("canvas", "", this.card)
    this.cardWords = make("div", "", this.card)
    this.reported = 0
    this.input.oninput = () => { this.step = Number(this.input.value); this.draw() }
    // A held key is reported once, at its release.
    this.input.onkeydown = () => { this.pressed = true }
    this.input.onchange = () => { if (!this.pressed) this.report() }
    this.input.onkeyup = this.input.onblur = () => {
      if (this.step !== this.reported) this.report()
      this.pressed = false
    }
    this.release = onFreeArrows(this.input)
    this.watch = new ResizeObserver(() => this.draw())
    this.watch.observe(this.root)
  }

  end() {
    this.release()
    this.watch.disconnect()
    cancelAnimationFrame(this.frame)
    this.text = null   // a message that is being decoded is dropped
    this.sheet?.close()
  }

  async receive(bytes) {
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
    const text = new TextDecoder().decode(bytes.subarray(4, 4 + length))   // contains a hash of all that follows
    if (text === this.text) return this.draw()
    this.text = text
    const spec = JSON.parse(text)
    let start = 4 + length
    const cut = (size) => bytes.slice(start, (start += size)).buffer
    spec.labels = new Uint16Array(cut(2 * spec.count))
    for (const panel of spec.panels) panel.positions = new Float32Array(cut(4 * spec.steps.length * spec.count * spec.dimensions))
    const png = new Blob([bytes.subarray(start, start + spec.sheet.bytes)], { type: "image/png" })
    const sheet = await createImageBitmap(png, { colorSpaceConversion: "none" }).catch((error) => { this.text = null; throw error })
    if (text !== this.text) return sheet.close()
    this.sheet?.close()
    this.sheet = sheet
    if (this.set !== spec.set) Object.assign(this, { set: spec.set, picked: -1, hovered: -1, only: -1, step: 0 })
    this.spec = spec
    this.step = Math.min(this.step, spec.steps.length - 1)
    this.build()
    this.draw()
  }

  build() {
    const { spec } = this
    this.root.setAttribute("aria-label", spec.alt)
    write(this.label, spec.label)
    write(this.caption, spec.caption)
    this.input.max = spec.steps.length - 1
    this.input.value = this.step
    fill(this.panels, spec.panels.length, (index) => this.newPanel(index))
    spec.panels.forEach(({ title, color }, index) => {
      write(this.panels[index].title, title)
      this.panels[index].node.style.setProperty("--mark", CSS.supports("color", color) ? color : "transparent")
      this.panels[index].canvas.setAttribute("aria-label", `${title}: ${spec.alt}`)
    })
    this.root.style.setProperty("--tall", spec.panels.length > 2 ? "24rem" : "30rem")
    this.legend.replaceChildren()
    spec.classes.forEach((name, label) => {
      const button = make("button", "", make("li", "", this.legend), { type: "button", "aria-pressed": String(label === this.only) })
      write(make("span", "mark", button), markOf(name, label) === name ? "●" : markOf(name, label))
      write(make("span", "", button), name)
      button.setAttribute("aria-label", `Only ${name}`)
      button.onclick = () => {
        this.only = this.only === label ? -1 : label
        for (const [index, { firstChild }] of [...this.legend.children].entries()) firstChild.ariaPressed = String(index === this.only)
        this.draw()
      }
    })
    this.legend.hidden = spec.classes.length < 2
  }

  newPanel(index) {
    const node = make("div", "panel", this.body, { "data-testid": "code-map-panel" })
    const name = make("div", "name", node)
    const panel = { node, title: make("div", "title", name), words: make("div", "words", name), moved: make("div", "moved", name), zoom: 1, x: 0, y: 0 }
    panel.canvas = make("canvas", "", node, { tabindex: "0", role: "img", "data-testid": "code-map-canvas" })
    const point = (event) => {
      const box = panel.canvas.getBoundingClientRect()
      return [event.clientX - box.left, event.clientY - box.top]
    }
    panel.canvas.onpointerdown = (event) => { panel.from = { at: point(event), moved: false }; panel.canvas.setPointerCapture(event.pointerId) }
    panel.canvas.onpointermove = (event) => {
      const at = point(event)
      if (!panel.from) return this.hover(index, this.nearest(panel, at))
      const across = at[0] - panel.from.at[0], down = at[1] - panel.from.at[1]
      if (!panel.from.moved && Math.hypot(across, down) < 4) return
      this.hover(index, -1)
      if (this.spec.dimensions === 3) { this.turn[0] += across * 0.01; this.turn[1] += down * 0.01 }
      else { panel.x += across; panel.y += down }
      panel.from = { at, moved: true }
      this.draw()
    }
    panel.canvas.onpointerup = (event) => {
      if (panel.from && !panel.from.moved) this.pick(this.nearest(panel, point(event)))
      panel.from = null
    }
    panel.canvas.onpointerleave = panel.canvas.onpointercancel = () => { panel.from = null; this.hover(index, -1) }
    panel.canvas.ondblclick = (event) => {
      const [x, y] = point(event), wide = panel.canvas.clientWidth / 2, tall = panel.canvas.clientHeight / 2
      const zoom = panel.zoom > 1 ? 1 : 3
      Object.assign(panel, zoom > 1 ? { x: -(x - wide - panel.x) * zoom, y: -(y - tall - panel.y) * zoom } : { x: 0, y: 0 }, { zoom })
      this.draw()
    }
    panel.canvas.onkeydown = (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
      if (by) this.hover(index, this.beside(this.hovered, by))
      else if (event.key === "Enter" && this.hovered >= 0) this.pick(this.hovered)
      else return
      event.preventDefault()
    }
    panel.canvas.onblur = () => this.hover(index, -1)
    return panel
  }

  // The next or previous image of the classes that are shown.
  beside(start, by) {
    const { count, labels } = this.spec
    let index = start < 0 && by < 0 ? 0 : start
    for (let tries = 0; tries < count; tries += 1) {
      index = (index + by + count) % count
      if (this.only < 0 || labels[index] === this.only) return index
    }
    return start
  }

  nearest(panel, [x, y]) {
    let best = -1, least = HIT_RADIUS ** 2
    const { positions } = panel
    for (let index = 0; positions && index < this.spec.count; index += 1) {
      if (this.only >= 0 && this.spec.labels[index] !== this.only) continue
      const away = (positions[2 * index] - x) ** 2 + (positions[2 * index + 1] - y) ** 2
      if (away < least) [best, least] = [index, away]
    }
    return best
  }

  hover(index, picture) {
    const panel = this.panels[index]
    this.card.hidden = picture < 0
    if (picture >= 0) {
      const { columns, width, height } = this.spec.sheet
      const scale = Math.max(1, Math.round(CARD_SIZE / Math.max(width, height)))
      if (this.hovered !== picture || !this.cardImage.style.width) {
        Object.assign(this.cardImage, { width, height })
        Object.assign(this.cardImage.style, { width: `${width * scale}px`, height: `${height * scale}px` })
        const left = (picture % columns) * width, top = Math.floor(picture / columns) * height
        this.cardImage.getContext("2d").drawImage(this.sheet, left, top, width, height, 0, 0, width, height)
        write(this.cardWords, this.nameOf(picture))
        this.card.dataset.picture = picture
      }
      const box = panel.canvas.getBoundingClientRect(), root = this.root.getBoundingClientRect()
      const x = box.left - root.left + panel.positions[2 * picture], y = box.top - root.top + panel.positions[2 * picture + 1]
      const flip = x + 24 + this.card.offsetWidth > root.width
      this.card.style.left = `${flip ? x - 16 - this.card.offsetWidth : x + 16}px`
      this.card.style.top = `${Math.max(0, y - this.card.offsetHeight / 2)}px`
    }
    if (this.hovered !== picture) { this.hovered = picture; this.draw() }
  }

  nameOf(index) {
    const { classes, labels } = this.spec
    return (classes.length > 1 ? `${classes[labels[index]]}, image ` : "image ") + (index + 1)   // as elsewhere on the pages, from 1
  }

  pick(picture) {
    if (picture < 0) return
    this.picked = picture
    this.draw()
    this.report()
  }

  report() {
    this.reported = this.step
    this.setState("look", { index: this.picked, step: this.step })
  }

  // At most once per frame.
  draw() { this.frame ??= requestAnimationFrame(() => { this.frame = null; this.paint() }) }

  paint() {
    const { spec, step } = this
    if (!spec || !this.root.clientWidth) return
    const style = getComputedStyle(this.root)
    const ink = style.getPropertyValue("--st-text-color"), ground = style.getPropertyValue("--st-background-color")
    const colors = COLORS.map((color) => (isDark(ground) ? lighter(color) : color))
    write(this.value, spec.steps[step])
    this.input.setAttribute("aria-valuetext", spec.steps[step])
    this.root.dataset.step = step
    ;[...this.legend.children].forEach(({ firstChild }, label) => {
      firstChild.style.setProperty("--class", colors[label % colors.length])
    })
    const marks = spec.classes.map((name, label) => stamp(markOf(name, label), colors[label % colors.length]))
    const ringed = [this.picked, this.hovered].filter((index) => index >= 0)
    this.panels.forEach((panel, index) => {
      write(panel.words, spec.panels[index].words)
      write(panel.moved, spec.panels[index].drift[step])
      paint(panel, spec.panels[index].positions, { spec, step, marks, ink, turn: this.turn, only: this.only, ringed })
    })
  }
}
