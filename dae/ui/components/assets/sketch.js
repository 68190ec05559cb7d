// A board for drawing with white on black. Reports the drawing to Python after each stroke, and if it is `live` also during
// one, whenever the page has been drawn with the last report.

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
    this.pen = this.canvas.getContext("2d")
    this.wipe()
    this.clear.onclick = () => { this.wipe(); this.report() }
    this.canvas.onpointerdown = (event) => {
      this.canvas.setPointerCapture(event.pointerId)
      this.empty = false
      this.from = this.position(event)
      this.line(this.from)
      clearInterval(this.timer)
      if (this.live) this.timer = setInterval(() => { if (this.changed && isIdle()) this.report() }, CHECK_MS)
    }
    this.canvas.onpointermove = (event) => {
      if (!this.from) return
      for (const part of event.getCoalescedEvents?.() ?? [event]) this.line(this.position(part))
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

  end() { clearInterval(this.timer) }

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
  }
}
