// A board for drawing with white on black, on the pages and on phones.

// NUM_BYTES in wall.py is the square of SIDE.
const SIDE = 84
const PEN = 22

export class Board {
  empty = true

  constructor(canvas, options) {
    this.canvas = canvas
    this.pen = canvas.getContext("2d", options)
    this.clear()
    canvas.onpointerdown = (event) => {
      if (event.button || !event.isPrimary) return
      canvas.setPointerCapture(event.pointerId)
      this.empty = false
      const [x, y] = this.from = this.position(event)
      // A line without a length would not be drawn.
      this.line([x + 0.1, y])
      this.started()
    }
    canvas.onpointermove = (event) => {
      if (!this.from || !event.isPrimary) return
      const parts = event.getCoalescedEvents?.() ?? []
      for (const part of parts.length ? parts : [event]) this.line(this.position(part))
    }
    canvas.onpointerup = canvas.onpointercancel = () => { this.ended(); this.from = null }
  }

  // Called at the start and at the end of a stroke.
  started() {}
  ended() {}

  clear() {
    this.empty = true
    this.from = null
    this.pen.fillStyle = "black"
    this.pen.fillRect(0, 0, this.canvas.width, this.canvas.height)
    Object.assign(this.pen, { strokeStyle: "white", lineWidth: PEN, lineCap: "round", lineJoin: "round" })
  }

  // Returns SIDE x SIDE gray values, one byte each.
  pixels() {
    const small = document.createElement("canvas")
    small.width = small.height = SIDE
    const context = small.getContext("2d")
    context.imageSmoothingQuality = "high"
    context.drawImage(this.canvas, 0, 0, SIDE, SIDE)
    return context.getImageData(0, 0, SIDE, SIDE).data.filter((_, index) => index % 4 === 0)
  }

  position({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect()
    const scale = this.canvas.width / box.width
    return [(clientX - box.left) * scale, (clientY - box.top) * scale]
  }

  line(to) {
    this.pen.beginPath()
    this.pen.moveTo(...this.from)
    this.pen.lineTo(...to)
    this.pen.stroke()
    this.from = to
  }
}
