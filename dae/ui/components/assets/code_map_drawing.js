// Drawing of the map of codes: the points of a panel and their marks.

const MARK = 13        // size of a point in CSS pixels
const FAINT = 0.1
// Ten colors after Okabe and Ito, which can be distinguished with color blindness; mixed with white on a dark background.
const COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B07C00", "#3C9FD6", "#7F3C8D", "#8C564B", "#5F6B7A", "#7C8B00"]
const SHAPES = ["●", "▲", "■", "◆"]

// Draws the points of a panel and a line from the clean position of each. `all` has the positions at every step.
function paint(panel, all, { spec, step, marks, ink, turn, only, ringed }) {
  const { canvas } = panel
  const ratio = devicePixelRatio || 1, wide = canvas.clientWidth, tall = canvas.clientHeight
  if (canvas.width !== Math.round(wide * ratio) || canvas.height !== Math.round(tall * ratio)) {
    canvas.width = Math.round(wide * ratio)
    canvas.height = Math.round(tall * ratio)
  }
  const pen = canvas.getContext("2d")
  pen.setTransform(ratio, 0, 0, ratio, 0, 0)
  pen.clearRect(0, 0, wide, tall)
  panel.positions = onScreen(panel, all, step, turn, spec, wide, tall)
  const clean = step ? onScreen(panel, all, 0, turn, spec, wide, tall) : panel.positions
  const { positions } = panel
  if (step) {
    pen.beginPath()
    for (let index = 0; index < spec.count; index += 1) {
      if (only >= 0 && spec.labels[index] !== only) continue
      pen.moveTo(clean[2 * index], clean[2 * index + 1])
      pen.lineTo(positions[2 * index], positions[2 * index + 1])
    }
    Object.assign(pen, { strokeStyle: ink, globalAlpha: only >= 0 ? 0.18 : 0.07, lineWidth: 1 })
    pen.stroke()
  }
  for (let index = 0; index < spec.count; index += 1) {
    pen.globalAlpha = only >= 0 && spec.labels[index] !== only ? FAINT : 0.85
    pen.drawImage(marks[spec.labels[index]], positions[2 * index] - MARK / 2, positions[2 * index + 1] - MARK / 2, MARK, MARK)
  }
  pen.globalAlpha = 1
  for (const index of ringed) {
    Object.assign(pen, { strokeStyle: ink, lineWidth: 2, fillStyle: ink })
    pen.beginPath()
    pen.moveTo(clean[2 * index], clean[2 * index + 1])
    pen.lineTo(positions[2 * index], positions[2 * index + 1])
    pen.stroke()
    pen.beginPath()
    pen.arc(positions[2 * index], positions[2 * index + 1], MARK * 0.8, 0, 7)
    pen.stroke()
    pen.beginPath()
    pen.arc(clean[2 * index], clean[2 * index + 1], 3, 0, 7)
    pen.fill()
  }
}

// Returns positions on a panel in CSS pixels, x and y alternating, from positions that are mostly within -1 to 1.
function onScreen(panel, all, step, turn, { count, dimensions }, wide, tall) {
  const result = new Float32Array(2 * count), first = step * count * dimensions
  const scale = (Math.min(wide, tall) / 2 - MARK) * panel.zoom
  const [sin, cos] = [Math.sin(turn[0]), Math.cos(turn[0])], [rise, level] = [Math.sin(turn[1]), Math.cos(turn[1])]
  for (let index = 0; index < count; index += 1) {
    const at = first + index * dimensions
    let x = all[at], y = all[at + 1]
    if (dimensions === 3) {
      const z = all[at + 2]
      ;[x, y] = [0.8 * (x * cos + z * sin), 0.8 * (y * level - (z * cos - x * sin) * rise)]
    }
    result[2 * index] = wide / 2 + panel.x + x * scale
    result[2 * index + 1] = tall / 2 + panel.y - y * scale
  }
  return result
}

// A digit is its own mark; classes with longer names get a shape.
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

const lighter = (color) => `rgb(${channelsOf(color).map((value) => Math.round(value + (255 - value) * 0.35))})`
const isDark = (color) => channelsOf(color).reduce((sum, value) => sum + value) < 384
