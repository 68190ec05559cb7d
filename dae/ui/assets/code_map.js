// Many pictures as points, in a panel a model, all under one slider of noise. Python computed the places ahead; a drag
// moves the points here. Python hears of a picture that is clicked, and of the slider when it is let go.

const NEAR = 14        // CSS pixels within which a point is under the pointer
const ENLARGED = 140   // CSS pixels of the picture beside the pointer, at the least
const MARK = 13        // CSS pixels of a point's mark
const FAINT = 0.1
// Ten colours after Okabe and Ito, told apart also without red or green; on a dark ground they are mixed with white.
const COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B07C00", "#3C9FD6", "#7F3C8D", "#8C564B", "#5F6B7A", "#7C8B00"]
const SHAPES = ["●", "▲", "■", "◆"]

const mounts = new WeakMap()   // shadow root -> CodeMap

export default function ({ data, parentElement, setStateValue }) {
  let map = mounts.get(parentElement)
  if (!map) mounts.set(parentElement, (map = new CodeMap(parentElement)))
  map.report = (look) => setStateValue("look", look)
  const run = ++map.runs
  map.receive(data)
  return () => {
    // Streamlit also calls this for a run that a newer one has overtaken: only a detached host is an end.
    if (map.runs === run && !parentElement.host?.isConnected) {
      map.watch.disconnect()
      mounts.delete(parentElement)
    }
  }
}

// Text from Python is only ever written as text, never as markup.
const write = (node, text) => { if (node.textContent !== text) node.textContent = text }

function make(tag, name, parent, attributes = {}) {
  const node = document.createElement(tag)
  if (name) node.className = name
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value)
  parent.append(node)
  return node
}

class CodeMap {
  runs = 0
  panels = []
  picked = -1
  hovered = -1
  only = -1            // the class that is looked at alone
  turn = [0.6, 0.35]    // of the space, in radians

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
    this.cardPicture = make("canvas", "", this.card)
    this.cardWords = make("div", "", this.card)
    this.input.oninput = () => { this.step = Number(this.input.value); this.draw() }
    this.input.onchange = () => this.tell()
    this.watch = new ResizeObserver(() => this.draw())
    this.watch.observe(this.root)
  }

  async receive(bytes) {
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
    const text = new TextDecoder().decode(bytes.subarray(4, 4 + length))   // with a digest of all that follows
    if (text === this.text) return this.draw()
    this.text = text
    const spec = JSON.parse(text)
    let start = 4 + length
    const cut = (size) => bytes.slice(start, (start += size)).buffer
    spec.labels = new Uint16Array(cut(2 * spec.count))
    for (const panel of spec.panels) panel.places = new Float32Array(cut(4 * spec.steps.length * spec.count * spec.dimensions))
    const png = new Blob([bytes.subarray(start, start + spec.sheet.bytes)], { type: "image/png" })
    const sheet = await createImageBitmap(png, { colorSpaceConversion: "none" })
    if (text !== this.text) return sheet.close()
    this.sheet?.close()
    this.sheet = sheet
    if (this.set !== spec.set) Object.assign(this, { set: spec.set, picked: spec.picked, hovered: -1, only: -1, step: spec.step })
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
    while (this.panels.length > spec.panels.length) this.panels.pop().node.remove()
    while (this.panels.length < spec.panels.length) this.panels.push(this.newPanel(this.panels.length))
    spec.panels.forEach(({ title, color }, index) => {
      write(this.panels[index].title, title)
      this.panels[index].node.style.setProperty("--mark", CSS.supports("color", color) ? color : "transparent")
      this.panels[index].canvas.setAttribute("aria-label", `${title}: ${spec.alt}`)
    })
    this.root.style.setProperty("--tall", spec.panels.length > 2 ? "24rem" : "30rem")
    this.legend.replaceChildren()
    spec.classes.forEach((name, label) => {
      const button = make("button", "", make("li", "", this.legend), { type: "button", "aria-pressed": "false" })
      const mark = make("span", "", button)
      write(mark, markOf(name, label))
      button.style.setProperty("--class", label)
      write(make("span", "", button), name.length === 1 ? "" : name)
      button.setAttribute("aria-label", `Only ${name}`)
      button.onclick = () => {
        this.only = this.only === label ? -1 : label
        for (const [place, { firstChild }] of [...this.legend.children].entries()) firstChild.ariaPressed = String(place === this.only)
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
      const next = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
      if (next) this.hover(index, (Math.max(this.hovered, 0) + next + this.spec.count) % this.spec.count)
      else if (event.key === "Enter" && this.hovered >= 0) this.pick(this.hovered)
      else return
      event.preventDefault()
    }
    panel.canvas.onblur = () => this.hover(index, -1)
    return panel
  }

  nearest(panel, [x, y]) {
    let best = -1, least = NEAR ** 2
    const { places } = panel
    for (let index = 0; places && index < this.spec.count; index += 1) {
      if (this.only >= 0 && this.spec.labels[index] !== this.only) continue
      const away = (places[2 * index] - x) ** 2 + (places[2 * index + 1] - y) ** 2
      if (away < least) [best, least] = [index, away]
    }
    return best
  }

  hover(index, picture) {
    const panel = this.panels[index]
    this.card.hidden = picture < 0
    if (picture >= 0) {
      const { columns, width, height } = this.spec.sheet
      const scale = Math.max(1, Math.round(ENLARGED / Math.max(width, height)))
      if (this.hovered !== picture || !this.cardPicture.style.width) {
        Object.assign(this.cardPicture, { width, height })
        Object.assign(this.cardPicture.style, { width: `${width * scale}px`, height: `${height * scale}px` })
        const left = (picture % columns) * width, top = Math.floor(picture / columns) * height
        this.cardPicture.getContext("2d").drawImage(this.sheet, left, top, width, height, 0, 0, width, height)
        write(this.cardWords, this.nameOf(picture))
        this.card.dataset.picture = picture
      }
      const box = panel.canvas.getBoundingClientRect(), whole = this.root.getBoundingClientRect()
      const x = box.left - whole.left + panel.places[2 * picture], y = box.top - whole.top + panel.places[2 * picture + 1]
      const flip = x + 24 + this.card.offsetWidth > whole.width
      this.card.style.left = `${flip ? x - 16 - this.card.offsetWidth : x + 16}px`
      this.card.style.top = `${Math.max(0, y - this.card.offsetHeight / 2)}px`
    }
    if (this.hovered !== picture) { this.hovered = picture; this.draw() }
  }

  nameOf(picture) {
    const { classes, labels } = this.spec
    return (classes.length > 1 ? `${classes[labels[picture]]}, picture ` : "picture ") + picture
  }

  pick(picture) {
    if (picture < 0) return
    this.picked = picture
    this.draw()
    this.tell()
  }

  tell() { this.report({ index: this.picked, step: this.step }) }

  // At most once a frame, whatever asks for it.
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
    this.root.dataset.picked = this.picked
    ;[...this.legend.children].forEach(({ firstChild }, label) => {
      firstChild.firstChild.style.color = colors[label % colors.length]
      firstChild.firstChild.style.fontWeight = 700
    })
    const marks = spec.classes.map((name, label) => stamp(markOf(name, label), colors[label % colors.length]))
    this.panels.forEach((panel, index) => {
      write(panel.words, spec.panels[index].words)
      write(panel.moved, spec.panels[index].drift[step])
      this.paintPanel(panel, spec.panels[index].places, marks, ink)
    })
  }

  paintPanel(panel, all, marks, ink) {
    const { canvas } = panel, { spec, step } = this
    const ratio = devicePixelRatio || 1, wide = canvas.clientWidth, tall = canvas.clientHeight
    if (canvas.width !== Math.round(wide * ratio) || canvas.height !== Math.round(tall * ratio)) {
      canvas.width = Math.round(wide * ratio)
      canvas.height = Math.round(tall * ratio)
    }
    const pen = canvas.getContext("2d")
    pen.setTransform(ratio, 0, 0, ratio, 0, 0)
    pen.clearRect(0, 0, wide, tall)
    panel.places = this.onScreen(panel, all, step, wide, tall)
    const clean = step ? this.onScreen(panel, all, 0, wide, tall) : panel.places
    const { places } = panel, special = [this.picked, this.hovered].filter((index) => index >= 0)
    if (step) {
      pen.beginPath()
      for (let index = 0; index < spec.count; index += 1) {
        if (this.only >= 0 && spec.labels[index] !== this.only) continue
        pen.moveTo(clean[2 * index], clean[2 * index + 1])
        pen.lineTo(places[2 * index], places[2 * index + 1])
      }
      Object.assign(pen, { strokeStyle: ink, globalAlpha: this.only >= 0 ? 0.18 : 0.07, lineWidth: 1 })
      pen.stroke()
    }
    for (let index = 0; index < spec.count; index += 1) {
      pen.globalAlpha = this.only >= 0 && spec.labels[index] !== this.only ? FAINT : 0.85
      pen.drawImage(marks[spec.labels[index]], places[2 * index] - MARK / 2, places[2 * index + 1] - MARK / 2, MARK, MARK)
    }
    pen.globalAlpha = 1
    for (const index of special) {
      Object.assign(pen, { strokeStyle: ink, lineWidth: 2, fillStyle: ink })
      pen.beginPath()
      pen.moveTo(clean[2 * index], clean[2 * index + 1])
      pen.lineTo(places[2 * index], places[2 * index + 1])
      pen.stroke()
      pen.beginPath()
      pen.arc(places[2 * index], places[2 * index + 1], MARK * 0.8, 0, 7)
      pen.stroke()
      pen.beginPath()
      pen.arc(clean[2 * index], clean[2 * index + 1], 3, 0, 7)
      pen.fill()
    }
  }

  // Places of all pictures on a panel in CSS pixels, x and y in turn; Python brought them to about -1 to 1.
  onScreen(panel, all, step, wide, tall) {
    const { count, dimensions } = this.spec
    const found = new Float32Array(2 * count), first = step * count * dimensions
    const scale = (Math.min(wide, tall) / 2 - MARK) * panel.zoom
    const [sin, cos] = [Math.sin(this.turn[0]), Math.cos(this.turn[0])], [rise, level] = [Math.sin(this.turn[1]), Math.cos(this.turn[1])]
    for (let index = 0; index < count; index += 1) {
      const at = first + index * dimensions
      let x = all[at], y = all[at + 1]
      if (dimensions === 3) {
        const z = all[at + 2]
        ;[x, y] = [0.8 * (x * cos + z * sin), 0.8 * (y * level - (z * cos - x * sin) * rise)]
      }
      found[2 * index] = wide / 2 + panel.x + x * scale
      found[2 * index + 1] = tall / 2 + panel.y - y * scale
    }
    return found
  }
}

// A digit stands for itself; longer names have a shape.
const markOf = (name, label) => ([...name].length === 1 ? name : SHAPES[label % SHAPES.length])

const stamps = new Map()
function stamp(text, color) {
  const key = `${text} ${color}`
  if (!stamps.has(key)) {
    const side = MARK * 3, canvas = Object.assign(document.createElement("canvas"), { width: side, height: side })
    const pen = canvas.getContext("2d")
    Object.assign(pen, { font: `700 ${side * 0.9}px sans-serif`, textAlign: "center", textBaseline: "middle", fillStyle: color })
    pen.fillText(text, side / 2, side / 2)
    stamps.set(key, canvas)
  }
  return stamps.get(key)
}

const channels = (color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16))
const lighter = (color) => `rgb(${channels(color).map((value) => Math.round(value + (255 - value) * 0.35))})`
function isDark(color) {
  const pen = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true })
  pen.fillStyle = color
  pen.fillRect(0, 0, 1, 1)
  const [red, green, blue] = pen.getImageData(0, 0, 1, 1).data
  return red + green + blue < 384
}
