// What the page shows: pixels on a canvas, a board to draw on, decibels as text.

const BOARD_SIDE = 280
const PEN_WIDTH = 22

function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties)
  element.append(...children)
  return element
}

// Paints the pixels [0, 1] of an image, shape [channels, height, width], on a canvas of that size.
function paint(canvas, pixels, [channels, height, width]) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height })
  const picture = new ImageData(width, height), area = height * width
  for (let i = 0; i < area; i++) {
    for (let c = 0; c < 3; c++) picture.data[4 * i + c] = Math.round(255 * pixels[i + (c % channels) * area])
    picture.data[4 * i + 3] = 255
  }
  canvas.getContext('2d').putImageData(picture, 0, 0)
}

const formatDb = (value) => value === Infinity ? 'identical' : `${value.toFixed(1)} dB`

// Returns what denoising gained: "+11.3 dB", with the true minus sign.
function formatGain(noisy, denoised) {
  const gain = denoised - noisy
  return Number.isFinite(gain) ? `${gain < 0 ? '−' : '+'}${Math.abs(gain).toFixed(1)} dB` : ''
}

// Lets the pointer draw white on black; calls onChange after each part of a stroke.
class Board {
  isEmpty = true

  constructor(canvas, onChange) {
    this.canvas = Object.assign(canvas, { width: BOARD_SIDE, height: BOARD_SIDE })
    this.pen = canvas.getContext('2d', { willReadFrequently: true })
    this.clear()
    canvas.onpointerdown = (event) => {
      if (event.button || !event.isPrimary) return
      canvas.setPointerCapture(event.pointerId)
      this.isEmpty = false
      const [x, y] = this.from = this.position(event)
      // A line without a length would not be drawn.
      this.line([x + 0.1, y])
      onChange()
    }
    canvas.onpointermove = (event) => {
      if (!this.from || !event.isPrimary) return
      const parts = event.getCoalescedEvents?.() ?? []
      for (const part of parts.length ? parts : [event]) this.line(this.position(part))
      onChange()
    }
    canvas.onpointerup = canvas.onpointercancel = () => { this.from = null }
  }

  clear() {
    this.isEmpty = true
    this.pen.fillStyle = 'black'
    this.pen.fillRect(0, 0, BOARD_SIDE, BOARD_SIDE)
    Object.assign(this.pen, { strokeStyle: 'white', lineWidth: PEN_WIDTH, lineCap: 'round', lineJoin: 'round' })
  }

  // Ink of each pixel, [0, 1].
  ink() {
    const { data } = this.pen.getImageData(0, 0, BOARD_SIDE, BOARD_SIDE)
    return Float32Array.from({ length: BOARD_SIDE ** 2 }, (_, i) => data[4 * i] / 255)
  }

  position({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect()
    return [(clientX - box.left) / box.width * BOARD_SIDE, (clientY - box.top) / box.height * BOARD_SIDE]
  }

  line(to) {
    this.pen.beginPath()
    this.pen.moveTo(...this.from)
    this.pen.lineTo(...to)
    this.pen.stroke()
    this.from = to
  }
}
