// Keys that work on the whole page: each clicks what Python names.

export default mounted(() => new Keys())

class Keys {
  constructor() {
    this.listen = (event) => {
      const node = isFree(event) && document.querySelector(this.selectors[event.key.toLowerCase()] || "no-such")
      if (!node) return
      event.preventDefault()
      node.click()
    }
    document.addEventListener("keydown", this.listen)
  }

  receive({ selectors }) { this.selectors = selectors }

  end() { document.removeEventListener("keydown", this.listen) }
}
