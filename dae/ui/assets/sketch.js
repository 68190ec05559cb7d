// A board to draw on, light on black, with the pointer or a finger. Python hears of it after each stroke.

const SIZE = 280
const PEN = 22
const boards = new WeakMap()   // shadow root -> what was made there

export default function ({ data, parentElement, setStateValue }) {
  let board = boards.get(parentElement)
  if (!board) boards.set(parentElement, (board = new Board(parentElement)))
  board.tell = () => setStateValue("ink", board.empty ? "" : board.canvas.toDataURL("image/png"))
  board.canvas.setAttribute("aria-label", data.label)
  board.clear.textContent = data.clear
}

class Board {
  empty = true

  constructor(parent) {
    this.canvas = document.createElement("canvas")
    this.canvas.width = this.canvas.height = SIZE
    this.canvas.dataset.testid = "sketch"
    this.canvas.setAttribute("role", "img")
    this.clear = document.createElement("button")
    this.clear.type = "button"
    parent.append(this.canvas, this.clear)
    this.pen = this.canvas.getContext("2d")
    this.wipe()
    this.clear.onclick = () => { this.wipe(); this.tell() }
    this.canvas.onpointerdown = (event) => {
      this.canvas.setPointerCapture(event.pointerId)
      this.empty = false
      this.from = this.place(event)
      this.line(this.from)
    }
    this.canvas.onpointermove = (event) => {
      if (!this.from) return
      for (const part of event.getCoalescedEvents?.() ?? [event]) this.line(this.place(part))
    }
    this.canvas.onpointerup = this.canvas.onpointercancel = () => {
      if (this.from) this.tell()
      this.from = null
    }
  }

  wipe() {
    this.empty = true
    this.pen.fillStyle = "black"
    this.pen.fillRect(0, 0, SIZE, SIZE)
    Object.assign(this.pen, { strokeStyle: "white", lineWidth: PEN, lineCap: "round", lineJoin: "round" })
  }

  place({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect()
    return [(clientX - box.left) / box.width * SIZE, (clientY - box.top) / box.height * SIZE]
  }

  line(to) {
    this.pen.beginPath()
    this.pen.moveTo(...this.from)
    this.pen.lineTo(...to)
    this.pen.stroke()
    this.from = to
  }
}
