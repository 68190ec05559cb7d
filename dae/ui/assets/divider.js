// Two pictures of one size, one over the other, and a divider to drag between them.

export default mounted((parent) => new Divider(parent))

class Divider {
  constructor(parent) {
    this.root = make("div", "divider", parent, { "data-testid": "divider" })
    const words = make("div", "words", this.root)
    this.left = make("span", "", words)
    this.right = make("span", "", words)
    const frame = make("div", "frame", this.root)
    this.before = make("img", "before", frame)
    this.after = make("img", "after", frame)
    this.input = make("input", "", frame, { type: "range", min: 0, max: 100, value: 50 })
    this.input.oninput = () => frame.style.setProperty("--at", `${this.input.value}%`)
  }

  receive(data) {
    Object.assign(this.before, { src: data.before, alt: data.beforeWords })
    Object.assign(this.after, { src: data.after, alt: data.afterWords })
    write(this.left, data.beforeWords)
    write(this.right, data.afterWords)
    this.root.style.setProperty("--width", `${data.width}px`)
    this.root.style.setProperty("--ratio", data.ratio)
    this.root.classList.toggle("pixelated", data.pixelated)
    this.input.setAttribute("aria-label", `Divider between ${data.beforeWords} and ${data.afterWords}`)
  }

  end() {}
}
