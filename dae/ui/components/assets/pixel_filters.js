// Images of several models, of which the user points at one pixel. Python computes what that pixel depends on.

const REPORT_MS = 80   // at most one report in this time while the pointer moves

export default mounted((parent) => new PixelFilters(parent))

class PixelFilters {
  panels = []

  constructor(parent) {
    this.root = make("div", "pixel-filters", parent, { role: "group", "data-testid": "pixel-filters" })
  }

  end() { clearTimeout(this.due) }

  receive(spec) {
    this.spec = spec
    this.root.setAttribute("aria-label", spec.alt)
    // The answer to an older position must not move the mark back.
    const isCurrent = !this.reported || this.reported === spec.pixel.join()
    if (isCurrent && !this.held && !this.due) this.pixel = spec.pixel
    fill(this.panels, spec.panels.length, () => this.create())
    spec.panels.forEach((panel, index) => {
      const parts = this.panels[index]
      write(parts.title, panel.title)
      write(parts.words, panel.words)
      parts.title.style.setProperty("--mark", CSS.supports("color", panel.color) ? panel.color : "transparent")
      panel.images.forEach((url, which) => {
        const image = new Image()
        image.onload = () => { parts.images[which] = image; this.draw() }
        image.src = url
        parts.canvases[which].setAttribute("aria-label", `${panel.title}: ${panel.labels[which]}`)
        write(parts.labels[which], panel.labels[which])
      })
    })
    this.draw()
  }

  create() {
    const node = make("div", "panel", this.root)
    const parts = { node, title: make("div", "title", node), canvases: [], labels: [], images: [] }
    const pair = make("div", "pair", node)
    for (const which of [0, 1]) {
      const figure = make("div", "figure", pair)
      const canvas = make("canvas", "", figure, { tabindex: which ? -1 : 0, role: "img", "data-testid": "pixel-canvas" })
      parts.labels.push(make("div", "label", figure))
      parts.canvases.push(canvas)
      canvas.onpointerdown = (event) => {
        if (event.button || !event.isPrimary) return
        canvas.setPointerCapture(event.pointerId)
        this.held = true
        this.point(event)
      }
      canvas.onpointermove = (event) => { if (this.held && event.isPrimary) this.point(event) }
      canvas.onpointerup = canvas.onpointercancel = () => { this.held = false; this.report() }
      canvas.onkeydown = (event) => {
        const by = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key]
        if (!by) return
        event.preventDefault()
        this.move(this.pixel[0] + by[0], this.pixel[1] + by[1])
      }
    }
    parts.words = make("div", "words", node)
    return parts
  }

  point(event) {
    const box = event.target.getBoundingClientRect()
    const [height, width] = this.spec.size
    this.move(Math.floor((event.clientY - box.top) / box.height * height), Math.floor((event.clientX - box.left) / box.width * width))
  }

  move(row, column) {
    const [height, width] = this.spec.size
    this.pixel = [Math.min(Math.max(row, 0), height - 1), Math.min(Math.max(column, 0), width - 1)]
    this.draw()
    this.due ||= setTimeout(() => { this.due = 0; this.report() }, REPORT_MS)
  }

  report() {
    const key = this.pixel.join()
    if (key === this.reported) return
    this.reported = key
    this.setState("pixel", { row: this.pixel[0], column: this.pixel[1] })
  }

  draw() {
    const [height, width] = this.spec.size
    const scale = Math.max(1, Math.round(240 / width))
    for (const { canvases, images } of this.panels) {
      canvases.forEach((canvas, which) => {
        if (!images[which]) return
        canvas.width = width * scale
        canvas.height = height * scale
        const pen = canvas.getContext("2d")
        pen.imageSmoothingEnabled = false
        pen.drawImage(images[which], 0, 0, canvas.width, canvas.height)
        const [row, column] = this.pixel
        pen.lineWidth = 2
        pen.strokeStyle = "#000"
        pen.strokeRect(column * scale - 2, row * scale - 2, scale + 4, scale + 4)
        pen.strokeStyle = "#fff"
        pen.strokeRect(column * scale, row * scale, scale, scale)
      })
    }
    this.root.dataset.pixel = this.pixel.join()
  }
}
