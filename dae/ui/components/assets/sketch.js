// A board for drawing with white on black. Reports the drawing to Python after each stroke. If it is `live`, the browser
// answers during a stroke, see live_answer.js; if it cannot, the drawing is reported whenever the page is idle.

const SIZE = 280
const PEN = 22
const CHECK_MS = 100

const isIdle = () => document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState === "notRunning"

export default mounted((parent) => new Board(parent))

class Board {
  empty = true

  constructor(parent) {
    this.canvas = make("canvas", "", parent, { width: SIZE, height: SIZE, role: "img", "data-testid": "sketch" })
    this.clear = make("button", "", parent, { type: "button" })
    this.pen = this.canvas.getContext("2d", { willReadFrequently: true })
    this.wipe()
    this.clear.onclick = () => { this.wipe(); this.ask(); this.report() }
    this.canvas.onpointerdown = (event) => {
      if (event.button || !event.isPrimary) return
      this.canvas.setPointerCapture(event.pointerId)
      this.empty = false
      const [x, y] = this.from = this.position(event)
      // A line without a length would not be drawn.
      this.line([x + 0.1, y])
      clearInterval(this.timer)
      if (this.live) this.timer = setInterval(() => { if (this.changed && !this.isAnswered && isIdle()) this.report() }, CHECK_MS)
    }
    this.canvas.onpointermove = (event) => {
      if (!this.from || !event.isPrimary) return
      const parts = event.getCoalescedEvents?.() ?? []
      for (const part of parts.length ? parts : [event]) this.line(this.position(part))
    }
    this.canvas.onpointerup = this.canvas.onpointercancel = () => {
      clearInterval(this.timer)
      if (this.from) this.report()
      this.from = null
    }
  }

  receive({ label, clear, live }) {
    this.live = live
    this.canvas.setAttribute("aria-label", label)
    write(this.clear, clear)
  }

  end() { clearInterval(this.timer); cancelAnimationFrame(this.due) }

  // Once per frame of the screen.
  ask() {
    if (!this.live) return
    this.due ||= requestAnimationFrame(() => {
      this.due = 0
      const { data } = this.pen.getImageData(0, 0, SIZE, SIZE), ink = new Float32Array(SIZE * SIZE)
      for (let index = 0; index < ink.length; index++) ink[index] = data[4 * index] / 255
      this.isAnswered = !document.dispatchEvent(new CustomEvent("dae-ink", { cancelable: true, detail: { ink, side: SIZE } }))
    })
  }

  report() {
    this.changed = false
    this.setState("ink", this.empty ? "" : this.canvas.toDataURL("image/png"))
  }

  wipe() {
    this.empty = true
    this.pen.fillStyle = "black"
    this.pen.fillRect(0, 0, SIZE, SIZE)
    Object.assign(this.pen, { strokeStyle: "white", lineWidth: PEN, lineCap: "round", lineJoin: "round" })
  }

  position({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect()
    return [(clientX - box.left) / box.width * SIZE, (clientY - box.top) / box.height * SIZE]
  }

  line(to) {
    this.pen.beginPath()
    this.pen.moveTo(...this.from)
    this.pen.lineTo(...to)
    this.pen.stroke()
    this.from = to
    this.changed = true
    this.ask()
  }
}
