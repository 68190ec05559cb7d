// A slider over pictures that Python computed ahead. A drag is answered here, frame by frame; Python
// hears of it when the pointer is let go.

const FRAME_MS = 125     // playing: 8 frames a second
const COMFORTABLE = [72, 0.055]   // CSS pixels, share of the width: pictures shrink no further to let all rows fit the window
const SMALLEST = 36      // narrower than this, a row of pictures breaks in two
const LARGEST = [224, 0.21]       // CSS pixels, share of the window's height: a picture grows no further
const ABOVE = 64         // Streamlit's own header, over the page

const places = new Map()   // page and key -> where the slider stands; outlives a re-mount

export default mounted((parent) => new FrameSlider(parent))

const at = (list, step) => (list.length > 1 ? list[step] : list[0])

function fill(list, count, create) {
  while (list.length > count) list.pop().node.remove()
  while (list.length < count) list.push(create(list.length))
}

class FrameSlider {
  sheets = new Map()   // digest -> ImageBitmap
  rows = []
  held = false         // a pointer is down on the slider
  pressed = false      // a key is down: a repeating key is one move, reported when it comes up

  constructor(parent) {
    this.root = make("div", "frame-slider", parent, { role: "group", "data-testid": "frame-slider" })
    const head = this.head = make("div", "head", this.root)
    const line = make("div", "line", head)
    this.label = make("label", "label", line, { for: "step" })
    this.value = make("div", "value", line, { "aria-hidden": "true" })   // the input says it
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
      this.pressed ||= !isTrusted   // a key that was meant for nothing else: its way up is reported like any other's
      this.stop()
      this.show(Number(this.input.value))
    }
    this.input.onpointerdown = () => { this.held = true }
    this.input.onpointerup = this.input.onpointercancel = () => { this.held = false }
    this.input.onchange = () => { this.held = false; if (!this.pressed) this.tell() }
    this.input.onkeydown = (event) => {
      if (event.key !== " ") this.pressed = true
      else if (!this.button.hidden) { event.preventDefault(); this.toggle() }
    }
    this.input.onkeyup = this.input.onblur = () => {
      if (this.pressed && this.place.step !== this.told) this.tell()
      this.pressed = this.held = false
    }
    this.button.onclick = () => this.toggle()
    this.release = onFreeArrows(this.input, () => !this.button.hidden && (this.input.focus({ preventScroll: true }), this.toggle(), true))
    this.watch = new ResizeObserver(() => { if (this.spec) { this.layout(); this.draw() } })
    this.watch.observe(this.root)
  }

  end() {
    this.stop()
    this.release()
    this.watch.disconnect()
    cancelAnimationFrame(this.due)
    this.text = null   // a message that is still being decoded comes too late
    for (const sheet of this.sheets.values()) sheet.close()
  }

  // Old frames stay on screen until every new sheet is decoded; a newer message overtakes an older one.
  async receive(bytes) {
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
    const text = new TextDecoder().decode(bytes.subarray(4, 4 + length))   // with a digest of every sheet
    if (text === this.text) return
    this.text = text
    const spec = JSON.parse(text)
    const fresh = new Map()
    let start = 4 + length
    for (const { id, bytes: size } of spec.rows) {
      const png = new Blob([bytes.subarray(start, (start += size))], { type: "image/png" })
      if (!this.sheets.has(id) && !fresh.has(id)) fresh.set(id, createImageBitmap(png, { colorSpaceConversion: "none" }))
    }
    const decoded = await Promise.all([...fresh].map(async ([id, sheet]) => [id, await sheet]))
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
    const asked = `${spec.value} ${spec.turn}`
    if (!places.has(name)) places.set(name, { asked, turn: spec.turn, step: spec.value })
    this.place = places.get(name)
    // A wish of Python counts only if Python knew the user's latest move, and never under the user's finger.
    if (this.place.asked !== asked) {
      this.place.asked = asked
      const busy = this.held || this.pressed || this.playing
      if (this.place.turn === spec.turn && !busy) this.place.step = this.told = spec.value
    }
    this.place.step = Math.min(this.place.step, spec.steps.length - 1)
    this.told ??= this.place.step

    this.root.setAttribute("aria-label", spec.alt)
    const texts = { label: spec.label, first: spec.steps[0], last: spec.steps.at(-1), words: "trained here", caption: spec.caption }
    for (const [part, text] of Object.entries(texts)) write(this[part], text)
    this.button.hidden = !spec.play
    this.control.hidden = spec.steps.length < 2   // nothing to slide through
    this.input.max = spec.steps.length - 1
    this.band.hidden = this.words.hidden = !spec.trained
    const [from, to] = spec.trained ?? [0, 0]
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

  // One scale for all rows, a whole number of device pixels to a picture's pixel, so that edges stay sharp.
  layout() {
    const { columns, picture: [width, height], rows } = this.spec
    if (!this.root.clientWidth) return   // in a hidden tab
    const indent = this.rows[0].strip.getBoundingClientRect().left - this.rows[0].node.getBoundingClientRect().left   // 0 on a phone
    const room = this.root.clientWidth - indent
    const ratio = devicePixelRatio || 1
    const share = (count) => (room - 2 * (count - 1)) / count
    let across = columns
    while (across > 1 && share(across) < SMALLEST) across = Math.ceil(across / 2)
    const between = rows.reduce((sum, row) => sum + (row.numbers.length ? 40 : 14), 0)
    const fitting = Math.floor((innerHeight - ABOVE - this.head.offsetHeight - between) / rows.length * ratio / height)
    const comfortable = Math.max(COMFORTABLE[0], COMFORTABLE[1] * this.root.clientWidth)
    const largest = Math.max(LARGEST[0], LARGEST[1] * innerHeight)
    const scale = Math.max(1, Math.min(
      Math.floor(Math.min(share(across), largest) * ratio / width),
      indent ? Math.max(fitting, Math.ceil(comfortable * ratio / width)) : Infinity))
    const drawn = scale * width
    const spare = (room * ratio - drawn * across) / Math.max(1, across - 1)
    const gap = Math.max(1, Math.floor(Math.min(spare, drawn * (indent ? 0.32 : 0.5))))
    this.grid = { scale, drawn, gap }
    for (const parts of this.rows) {
      fill(parts.lines, Math.ceil(columns / across), (index) => {
        const node = make("div", "strip-line", parts.strip)
        const canvas = make("canvas", "", node, index ? { "aria-hidden": "true" } : { role: "img" })
        return { node, canvas, pen: canvas.getContext("2d"), numbers: make("div", "numbers", node, { "aria-hidden": "true" }), spans: [] }
      })
      parts.lines.forEach((line, index) => {
        line.from = index * across
        const count = Math.min(across, columns - line.from)
        fill(line.spans, count, () => ({ node: make("span", "", line.numbers) }))
        const size = { width: count * (drawn + gap) - gap, height: scale * height }
        for (const side of ["width", "height"]) {
          if (line.canvas[side] !== size[side]) line.canvas[side] = size[side]   // assigning clears the canvas
          line.canvas.style[side] = `${size[side] / ratio}px`
        }
      })
    }
    const sizes = { picture: drawn / ratio, gap: gap / ratio, wide: indent ? indent + (across * (drawn + gap) - gap) / ratio : room }
    for (const [name, size] of Object.entries(sizes)) this.root.style.setProperty(`--${name}`, `${size}px`)
    this.root.classList.toggle("tall", this.root.clientHeight > innerHeight * 0.85)
  }

  show(step) {
    this.place.step = step
    this.due ||= requestAnimationFrame(() => { this.due = 0; this.draw() })
  }

  draw() {
    if (!this.grid) return   // in a hidden tab
    const { spec, grid, place: { step }, spec: { picture: [width, height] } } = this
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
        line.pen.imageSmoothingEnabled = false   // resizing the canvas had turned it on again
        line.pen.clearRect(0, 0, line.canvas.width, line.canvas.height)
        line.spans.forEach(({ node }, column) => {
          line.pen.drawImage(this.sheets.get(row.id), (line.from + column) * width, row.still ? 0 : step * height, width, height,
                             column * (grid.drawn + grid.gap), 0, grid.drawn, grid.scale * height)
          if (numbers) write(node, numbers[line.from + column])
        })
        line.numbers.hidden = !numbers
      }
      lines[0].canvas.setAttribute("aria-label", [row.title, `${spec.label} ${label}`, words.textContent].filter(Boolean).join(", "))
    })
    this.root.dataset.step = step
  }

  tell() {
    this.told = this.place.step
    this.place.turn = Math.max(Date.now(), this.place.turn + 1)
    this.setState("move", { step: this.place.step, turn: this.place.turn })
  }

  toggle() {
    if (this.playing) { this.stop(); return this.tell() }
    if (this.place.step >= this.input.max) this.show(0)
    let since = performance.now()
    const tick = (now) => {
      this.playing = requestAnimationFrame(tick)
      if (now - since < FRAME_MS) return
      since = now
      this.show(Math.min(this.place.step + 1, this.input.max))
      if (this.place.step >= this.input.max) { this.stop(); this.tell() }
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
