// The sizes and positions of the images of a frame slider.

// Widths of an image in CSS pixels, and as a fraction of the width of the slider or the height of the window.
const COMFORTABLE = [72, 0.055]   // images shrink to this to let all rows fit the window
const LARGEST = [224, 0.21]
const SMALLEST = 36          // CSS pixels; below it a row of images breaks in two
const SMALLEST_ON_PHONE = 64 // there, a page may be long
const HEADER_HEIGHT = 64     // CSS pixels of Streamlit's header
const BELOW = [0.5, 2.75]    // rem below images that must fit the window, without and with a caption
const NUMBERS = 2            // rem for a line of numbers
const NAME_WIDTH = 9         // rem for the name above a narrow image of a column
const BESIDE_GAP = 4         // CSS pixels between images side by side in a column
const SMALLEST_BESIDE = 100  // CSS pixels of images of columns; with less room there are several lines of columns

const rem = () => parseFloat(getComputedStyle(document.documentElement).fontSize)

class FrameLayout {
  // Height in CSS pixels for the images and their names.
  height() {
    if (!this.spec.fold) return innerHeight - HEADER_HEIGHT - this.head.offsetHeight
    return roomBelow(this.body) - BELOW[Number(Boolean(this.spec.caption))] * rem()
  }

  // One scale for all rows: from 2 on, a whole number of device pixels per image pixel, so that edges stay sharp.
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
    const inWindow = rows.filter(({ below }) => !below)
    const between = inWindow.reduce((sum, row) => sum + (row.numbers.length ? numbered : plain), 0)
    const fitting = Math.floor((this.height() - between) / inWindow.length * ratio / height)
    const comfortable = fold ? SMALLEST : Math.max(COMFORTABLE[0], COMFORTABLE[1] * this.root.clientWidth)
    const largest = Math.max(LARGEST[0], LARGEST[1] * innerHeight)
    const widest = Math.min(share(across), largest) * ratio / width
    const scale = Math.max(1, Math.min(
      widest < 2 ? widest : Math.floor(widest),
      indent ? Math.max(fitting, Math.ceil(comfortable * ratio / width)) : Infinity))
    const drawn = Math.floor(scale * width)
    const spare = (room * ratio - drawn * across) / Math.max(1, across - 1)
    const gap = Math.max(1, Math.floor(Math.min(spare, drawn * (indent ? 0.32 : 0.5))))
    this.arrange(across, { scale, drawn, gap }, indent ? indent + (across * (drawn + gap) - gap) / ratio : room)
  }

  // The rows as columns. Their images are one below the other, or side by side where that makes them larger.
  layoutBeside() {
    const { columns, picture: [width, height], rows } = this.spec
    const ratio = devicePixelRatio || 1, room = this.root.clientWidth
    let count = rows.length
    const share = () => (room - rem() * (count - 1)) / count
    while (count > 1 && share() < SMALLEST_BESIDE) count = Math.ceil(count / 2)
    this.root.style.setProperty("--count", count)
    // The width of the images decides how many lines the names have, and these how high the images may be.
    for (let pass = 0; pass < 2; pass++) {
      const names = Math.max(...this.rows.map(({ name }) => name.offsetHeight))
      let best = { scale: 0 }
      for (let across = 1; across <= columns; across++) {
        const lines = Math.ceil(columns / across)
        const fitting = count < rows.length ? Infinity : (this.height() - names - NUMBERS * rem() * lines) / lines
        const side = Math.max(SMALLEST_BESIDE, Math.min(fitting, innerHeight * 0.4))
        const widest = (share() - BESIDE_GAP * (across - 1)) / across
        const scale = Math.max(1, Math.floor(Math.min(widest, side) * ratio / Math.max(width, height)))
        if (scale > best.scale) best = { across, scale }
      }
      const { across, scale } = best, gap = Math.round(BESIDE_GAP * ratio)
      const column = Math.max((across * (scale * width + gap) - gap) / ratio, Math.min(share(), NAME_WIDTH * rem()))
      this.root.style.setProperty("--column", `${column}px`)
      this.arrange(across, { scale, drawn: scale * width, gap }, room)
    }
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
        const size = { width: count * (drawn + gap) - gap, height: Math.floor(scale * height) }
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
}
