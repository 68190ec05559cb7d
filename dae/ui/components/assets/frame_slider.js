// A slider over images that Python computed in advance. A drag is drawn here, frame by frame, and reported to Python when
// the pointer is released.

const FRAME_MS = 125         // while playing
const LAST_FRAME_MS = 1000   // before it starts again

const positions = new Map()   // page and key -> position of the slider; survives a re-mount

export default mounted((parent) => new FrameSlider(parent))

const at = (list, step) => (list.length > 1 ? list[step] : list[0])

class FrameSlider extends LiveFrames {
  sheets = new Map()   // digest -> ImageBitmap
  rows = []
  held = false         // a pointer is down on the slider
  pressed = false      // a key is down; a repeating key is one move, reported when it is released

  constructor(parent) {
    super()
    this.root = make("div", "frame-slider", parent, { role: "group", "data-testid": "frame-slider" })
    const head = this.head = make("div", "head", this.root)
    const line = make("div", "line", head)
    this.label = make("label", "label", line, { for: "step" })
    this.value = make("div", "value", line, { "aria-hidden": "true" })   // screen readers read the input
    const control = this.control = make("div", "control", head)
    this.button = make("button", "play", control, { type: "button", "aria-label": "Play", "data-testid": "frame-slider-play" })
    this.track = make("div", "track", control)
    this.band = make("div", "trained", this.track)
    this.input = make("input", "", this.track, { type: "range", id: "step", min: 0, step: 1, "data-testid": "frame-slider-input" })
    const scale = make("div", "scale", this.track, { "aria-hidden": "true" })
    this.first = make("span", "", scale)
    this.words = make("span", "trained-words", scale)
    this.last = make("span", "", scale)
    this.body = make("div", "rows", this.root)
    this.caption = make("p", "caption", this.root)

    this.input.oninput = ({ isTrusted }) => {
      // From a free key, see `onFreeArrows`: its release is reported like that of any other key.
      this.pressed ||= !isTrusted
      this.stop()
      this.show(Number(this.input.value))
    }
    this.input.onpointerdown = () => { this.held = true }
    this.input.onpointerup = this.input.onpointercancel = () => { this.held = false }
    this.input.onchange = () => { this.held = false; if (!this.pressed) this.report() }
    this.input.onkeydown = (event) => {
      if (event.key !== " ") this.pressed = true
      else { event.preventDefault(); this.toggle() }
    }
    this.input.onkeyup = this.input.onblur = () => {
      if (this.pressed && this.position.step !== this.reported) this.report()
      this.pressed = this.held = false
    }
    this.button.onclick = () => this.toggle()
    this.release = onFreeArrows(this.input, () => (this.input.focus({ preventScroll: true }), this.toggle(), true))
    this.resize = () => { if (this.spec) { this.layout(); this.draw() } }
    this.watch = new ResizeObserver(this.resize)
    this.watch.observe(this.root)
    // Of the window, whose height limits that of the images.
    addEventListener("resize", this.resize)
    document.addEventListener("dae-ink", this.answer)
  }

  end() {
    this.stop()
    this.release()
    this.watch.disconnect()
    removeEventListener("resize", this.resize)
    document.removeEventListener("dae-ink", this.answer)
    cancelAnimationFrame(this.due)
    this.text = null   // drops a message that is still being decoded
    for (const sheet of this.sheets.values()) sheet.close()
  }

  // Old frames stay visible until all new sheets are decoded; a newer message replaces an older one.
  async receive(bytes) {
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
    const text = new TextDecoder().decode(bytes.subarray(4, 4 + length))   // contains a hash of each sheet
    if (text === this.text) return
    this.text = text
    const spec = JSON.parse(text)
    const fresh = new Map()
    let start = 4 + length
    for (const { id, bytes: size } of spec.rows) {
      const png = new Blob([bytes.subarray(start, (start += size))], { type: "image/png" })
      if (!this.sheets.has(id) && !fresh.has(id)) fresh.set(id, createImageBitmap(png, { colorSpaceConversion: "none" }))
    }
    const decoded = await Promise.all([...fresh].map(async ([id, sheet]) => [id, await sheet])).catch((error) => {
      if (text === this.text) this.text = null   // the same message may succeed the next time
      throw error
    })
    if (text !== this.text) return decoded.forEach(([, sheet]) => sheet.close())
    for (const [id, sheet] of decoded) this.sheets.set(id, sheet)
    this.apply(spec)
    for (const [id, sheet] of this.sheets) {
      if (!spec.rows.some((row) => row.id === id)) { sheet.close(); this.sheets.delete(id) }
    }
  }

  apply(spec) {
    this.spec = spec
    const name = `${location.pathname} ${spec.key}`
    const requested = `${spec.value} ${spec.turn}`
    if (!positions.has(name)) positions.set(name, { requested, turn: spec.turn, step: spec.value })
    this.position = positions.get(name)
    // A new value from Python counts only if Python knew the user's latest move, and not during a move.
    if (this.position.requested !== requested) {
      this.position.requested = requested
      const busy = this.held || this.pressed || this.playing
      if (this.position.turn === spec.turn && !busy) this.position.step = this.reported = spec.value
    }
    if (spec.follow) this.follow(spec)
    this.position.step = Math.min(this.position.step, spec.steps.length - 1)
    this.reported ??= this.position.step

    this.root.setAttribute("aria-label", spec.alt)
    const [from, to] = spec.trained ?? [0, 0]
    const isAll = from === 0 && to === spec.steps.length - 1
    const words = from === to ? "trained at this level" : isAll ? "trained at all levels" : "training range"
    const texts = { label: spec.label, first: spec.steps[0], last: spec.steps.at(-1), words, caption: spec.caption }
    for (const [part, text] of Object.entries(texts)) write(this[part], text)
    this.control.hidden = spec.steps.length < 2   // nothing to slide through
    this.input.max = spec.steps.length - 1
    this.band.hidden = this.words.hidden = !spec.trained
    const scale = { "--from": from, "--to": to, "--span": Math.max(1, spec.steps.length - 1) }
    for (const [name, number] of Object.entries(scale)) this.track.style.setProperty(name, number)
    fill(this.rows, spec.rows.length, () => {
      const node = make("div", "row", this.body, { "data-testid": "frame-row" })
      const name = make("div", "name", node)
      return { node, name, title: make("div", "title", name), words: make("div", "words", name), strip: make("div", "strip", node), lines: [] }
    })
    spec.rows.forEach((row, index) => {
      write(this.rows[index].title, row.title)
      this.rows[index].name.style.setProperty("--mark", CSS.supports("color", row.color) ? row.color : "transparent")
    })
    this.layout()
    this.draw()
  }

  // From the last of the former steps to the new last one; from another step to the same one, or the nearest before it.
  follow({ steps, follow: name }) {
    const { followed, known, step } = this.position
    let kept = step
    if (name !== followed || step >= known.length - 1) this.position.step = steps.length - 1
    else {
      while (kept > 0 && !steps.includes(known[kept])) kept--
      this.position.step = Math.max(0, steps.indexOf(known[kept]))
    }
    Object.assign(this.position, { followed: name, known: steps })
  }

  show(step) {
    this.position.step = step
    this.due ||= requestAnimationFrame(() => { this.due = 0; this.draw() })
  }

  draw() {
    if (!this.grid) return   // in a hidden tab
    const { spec, grid, position: { step }, spec: { picture: [width, height] } } = this
    const label = spec.steps[step]
    if (!this.held) this.input.value = step
    this.input.setAttribute("aria-valuetext", label)
    this.track.style.setProperty("--step", step)
    write(this.value, label)
    spec.rows.forEach((row, index) => {
      const { words, lines } = this.rows[index]
      const numbers = at(row.numbers, step)
      write(words, at(row.words, step) ?? "")
      for (const line of lines) {
        line.pen.imageSmoothingEnabled = grid.scale % 1 !== 0   // resizing the canvas resets it
        line.pen.clearRect(0, 0, line.canvas.width, line.canvas.height)
        line.spans.forEach(({ node }, column) => {
          line.pen.drawImage(this.sheets.get(row.id), (line.from + column) * width, row.still ? 0 : step * height, width, height,
                             column * (grid.drawn + grid.gap), 0, grid.drawn, line.canvas.height)
          if (numbers) write(node, numbers[line.from + column])
        })
        line.numbers.hidden = !numbers
      }
      lines[0].canvas.setAttribute("aria-label", [row.title, `${spec.label} ${label}`, words.textContent].filter(Boolean).join(", "))
    })
    this.root.dataset.step = step
  }

  report() {
    this.reported = this.position.step
    this.position.turn = Math.max(Date.now(), this.position.turn + 1)
    this.setState("move", { step: this.position.step, turn: this.position.turn })
  }

  toggle() {
    if (this.playing) { this.stop(); return this.report() }
    if (this.position.step >= this.input.max) this.show(0)
    let since = performance.now()
    const tick = (now) => {
      this.playing = requestAnimationFrame(tick)
      const isLast = this.position.step >= this.input.max
      if (now - since < (isLast ? LAST_FRAME_MS : FRAME_MS)) return
      since = now
      this.show(isLast ? 0 : this.position.step + 1)
    }
    this.playing = requestAnimationFrame(tick)
    this.button.setAttribute("aria-label", "Pause")
  }

  stop() {
    cancelAnimationFrame(this.playing)
    this.playing = 0
    this.button.setAttribute("aria-label", "Play")
  }
}
