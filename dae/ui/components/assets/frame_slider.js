// A slider over images that Python computed in advance. A drag is drawn here, frame by frame, and reported to Python when
// the pointer is released.

const FRAME_MS = 125         // while playing
const LAST_FRAME_MS = 1000   // before it starts again
// Widths of an image in CSS pixels, and as a fraction of the width of the slider or the height of the window.
const COMFORTABLE = [72, 0.055]   // images shrink to this to let all rows fit the window
const LARGEST = [224, 0.21]
const SMALLEST = 36          // CSS pixels; below it a row of images breaks in two
const SMALLEST_ON_PHONE = 64 // there, a page may be long
const PHONE_WIDTH = 640
const HEADER_HEIGHT = 64     // CSS pixels of Streamlit's header
const BELOW = 2.75           // rem for a line of text below images that must fit the window
const NUMBERS = 2            // rem for a line of numbers
const SMALLEST_BESIDE = 100  // CSS pixels of images of columns; with less room there are several lines of columns

const positions = new Map()   // page and key -> position of the slider; survives a re-mount

export default mounted((parent) => new FrameSlider(parent))

const rem = () => parseFloat(getComputedStyle(document.documentElement).fontSize)

const at = (list, step) => (list.length > 1 ? list[step] : list[0])

function fill(list, count, create) {
  while (list.length > count) list.pop().node.remove()
  while (list.length < count) list.push(create(list.length))
}

class FrameSlider {
  sheets = new Map()   // digest -> ImageBitmap
  rows = []
  held = false         // a pointer is down on the slider
  pressed = false      // a key is down; a repeating key is one move, reported when it is released

  constructor(parent) {
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
      else if (!this.button.hidden) { event.preventDefault(); this.toggle() }
    }
    this.input.onkeyup = this.input.onblur = () => {
      if (this.pressed && this.position.step !== this.reported) this.report()
      this.pressed = this.held = false
    }
    this.button.onclick = () => this.toggle()
    this.release = onFreeArrows(this.input, () => !this.button.hidden && (this.input.focus({ preventScroll: true }), this.toggle(), true))
    this.watch = new ResizeObserver(() => { if (this.spec) { this.layout(); this.draw() } })
    this.watch.observe(this.root)
    this.resize = () => { if (this.spec?.fold) { this.layout(); this.draw() } }
    addEventListener("resize", this.resize)
  }

  end() {
    this.stop()
    this.release()
    this.watch.disconnect()
    removeEventListener("resize", this.resize)
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
    const words = from === to ? "trained at this level" : isAll ? "trained for all of this" : "training range"
    const texts = { label: spec.label, first: spec.steps[0], last: spec.steps.at(-1), words, caption: spec.caption }
    for (const [part, text] of Object.entries(texts)) write(this[part], text)
    this.button.hidden = !spec.play
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

  // Height in CSS pixels for the images and their names.
  height() {
    if (!this.spec.fold) return innerHeight - HEADER_HEIGHT - this.head.offsetHeight
    const scrolled = document.querySelector('[data-testid="stMain"]')?.scrollTop ?? 0
    return innerHeight - this.body.getBoundingClientRect().top - scrolled - BELOW * rem()
  }

  // One scale for all rows, a whole number of device pixels per image pixel, so that edges stay sharp.
  layout() {
    const { columns, picture: [width, height], rows, fold, side_by_side: isBeside } = this.spec
    if (!this.root.clientWidth) return   // in a hidden tab
    this.root.classList.toggle("fold", fold)
    this.root.classList.toggle("beside", isBeside)
    if (isBeside) return this.layoutBeside()
    const indent = this.rows[0].strip.getBoundingClientRect().left - this.rows[0].node.getBoundingClientRect().left   // 0 on a phone
    const room = this.root.clientWidth - indent
    const ratio = devicePixelRatio || 1
    const share = (count) => (room - 2 * (count - 1)) / count
    let across = columns
    const smallest = innerWidth < PHONE_WIDTH ? SMALLEST_ON_PHONE : SMALLEST
    while (across > 1 && share(across) < smallest) across = Math.ceil(across / 2)
    const [plain, numbered] = fold ? [4, 26] : [14, 40]
    const between = rows.reduce((sum, row) => sum + (row.numbers.length ? numbered : plain), 0)
    const fitting = Math.floor((this.height() - between) / rows.length * ratio / height)
    const comfortable = fold ? SMALLEST : Math.max(COMFORTABLE[0], COMFORTABLE[1] * this.root.clientWidth)
    const largest = Math.max(LARGEST[0], LARGEST[1] * innerHeight)
    const scale = Math.max(1, Math.min(
      Math.floor(Math.min(share(across), largest) * ratio / width),
      indent ? Math.max(fitting, Math.ceil(comfortable * ratio / width)) : Infinity))
    const drawn = scale * width
    const spare = (room * ratio - drawn * across) / Math.max(1, across - 1)
    const gap = Math.max(1, Math.floor(Math.min(spare, drawn * (indent ? 0.32 : 0.5))))
    this.arrange(across, { scale, drawn, gap }, indent ? indent + (across * (drawn + gap) - gap) / ratio : room)
  }

  // The rows as columns, each as wide as an image, with the images one below the other.
  layoutBeside() {
    const { columns, picture: [width, height], rows } = this.spec
    const ratio = devicePixelRatio || 1, room = this.root.clientWidth
    let count = rows.length
    const share = () => (room - rem() * (count - 1)) / count
    while (count > 1 && share() < SMALLEST_BESIDE) count = Math.ceil(count / 2)
    const names = Math.max(...this.rows.map(({ name }) => name.offsetHeight))
    const fitting = count < rows.length ? Infinity : (this.height() - names - NUMBERS * rem() * columns) / columns
    const side = Math.max(SMALLEST_BESIDE, Math.min(fitting, innerHeight * 0.4))
    const scale = Math.max(1, Math.floor(Math.min(share(), side) * ratio / Math.max(width, height)))
    this.root.style.setProperty("--count", count)
    this.arrange(1, { scale, drawn: scale * width, gap: 1 }, room)
  }

  arrange(across, { scale, drawn, gap }, wide) {
    const { columns, picture: [, height] } = this.spec, ratio = devicePixelRatio || 1
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
          if (line.canvas[side] !== size[side]) line.canvas[side] = size[side]   // assignment clears the canvas
          line.canvas.style[side] = `${size[side] / ratio}px`
        }
      })
    }
    const sizes = { picture: drawn / ratio, gap: gap / ratio, wide }
    for (const [name, size] of Object.entries(sizes)) this.root.style.setProperty(`--${name}`, `${size}px`)
    this.root.classList.toggle("tall", this.root.clientHeight > innerHeight * 0.85)
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
        line.pen.imageSmoothingEnabled = false   // resizing the canvas resets it
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
