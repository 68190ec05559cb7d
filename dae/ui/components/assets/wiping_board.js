// An image and a copy of which the pointer wipes cells away. Python fills them in.

const BRUSH = 1.1, GRAY = "#595959"   // radius in cells

export default mounted((parent) => new WipingBoard(parent))

class WipingBoard {
  turn = 0

  constructor(parent) {
    this.root = make("div", "wiping-board", parent, { "data-testid": "wiping-board" })
    this.figures = [0, 1].map(() => {
      const figure = make("div", "figure", this.root)
      return { canvas: make("canvas", "", figure, { role: "img" }), label: make("div", "label", figure) }
    })
    const { canvas } = this.figures[1]
    canvas.classList.add("board")
    canvas.onpointerdown = (event) => {
      if (event.button || !event.isPrimary) return
      canvas.setPointerCapture(event.pointerId)
      if (this.isNew) this.cells.fill(0)
      this.isNew = false
      this.last = this.place(event)
      this.wipe(event)
    }
    canvas.onpointermove = (event) => { if (this.last && event.isPrimary) this.wipe(event) }
    canvas.onpointerup = canvas.onpointercancel = () => { if (this.last) this.report() }
  }

  receive(spec) {
    this.spec = spec
    // The answer to an older stroke must not bring back what a newer one has wiped away.
    if (!this.last && spec.turn >= this.turn) Object.assign(this, { cells: [...spec.cells].map(Number), isNew: spec.is_new })
    this.figures.forEach(({ label }, index) => write(label, spec.labels[index]))
    this.figures[0].canvas.setAttribute("aria-label", spec.labels[0])
    this.figures[1].canvas.setAttribute("aria-label", spec.alt)
    const image = new Image()
    image.onload = () => { this.image = image; this.draw() }
    image.src = spec.image
  }

  // The position of the pointer in cells.
  place(event) {
    const box = event.target.getBoundingClientRect()
    return [event.clientX - box.left, event.clientY - box.top].map((pixels) => pixels / box.width * this.spec.grid)
  }

  // Wipes along the line from the last position: events of a fast pointer are far apart.
  wipe(event) {
    const { grid } = this.spec, place = this.place(event), from = this.last
    const steps = Math.ceil(2 * Math.hypot(place[0] - from[0], place[1] - from[1])) || 1
    for (let step = 1; step <= steps; step++) {
      const [x, y] = [0, 1].map((axis) => from[axis] + (place[axis] - from[axis]) * step / steps)
      this.cells.forEach((_, cell) => {
        if (Math.hypot(cell % grid + 0.5 - x, Math.floor(cell / grid) + 0.5 - y) <= BRUSH) this.cells[cell] = 1
      })
    }
    this.last = place
    this.draw()
  }

  report() {
    this.last = null
    this.turn = Math.max(Date.now(), this.spec.turn + 1)
    this.setState("wipe", { cells: this.cells.join(""), turn: this.turn })
  }

  draw() {
    if (!this.image) return
    const { width, height } = this.image, { grid } = this.spec
    this.figures.forEach(({ canvas }, index) => {
      Object.assign(canvas, { width, height })
      const pen = canvas.getContext("2d")
      pen.drawImage(this.image, 0, 0)
      pen.fillStyle = GRAY
      if (index) this.cells.forEach((hidden, cell) => {
        if (hidden) pen.fillRect(cell % grid * width / grid, Math.floor(cell / grid) * height / grid, width / grid, height / grid)
      })
    })
    this.root.dataset.cells = this.cells.join("")
  }
}
