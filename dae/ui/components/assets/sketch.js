// A board whose drawing is reported to Python after each stroke. If it is `live`, the browser answers during a stroke, see
// live_answer.js; if it cannot, the drawing is reported whenever the page is idle.

const SIZE = 280
const CHECK_MS = 100

const isIdle = () => document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState === "notRunning"

export default mounted((parent) => new Sketch(parent))

class Sketch extends Board {
  constructor(parent) {
    const attributes = { width: SIZE, height: SIZE, role: "img", "data-testid": "sketch" }
    super(make("canvas", "", parent, attributes), { willReadFrequently: true })
    this.button = make("button", "", parent, { type: "button" })
    this.button.onclick = () => { this.clear(); this.ask(); this.report() }
  }

  receive({ label, clear, live }) {
    this.live = live
    this.canvas.setAttribute("aria-label", label)
    write(this.button, clear)
  }

  end() { clearInterval(this.timer); cancelAnimationFrame(this.due) }

  started() {
    clearInterval(this.timer)
    if (this.live) this.timer = setInterval(() => { if (this.changed && !this.isAnswered && isIdle()) this.report() }, CHECK_MS)
  }

  ended() {
    clearInterval(this.timer)
    if (this.from) this.report()
  }

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

  line(to) {
    super.line(to)
    this.changed = true
    this.ask()
  }
}
