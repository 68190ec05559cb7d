// Keys that work on the whole page: each clicks what Python names.

export default mounted((parent) => new Keys(parent))

class Keys {
  constructor(parent) {
    make("span", "", parent, { "data-testid": "listening" })   // says to who waits for it that keys work from now on
    this.end = onFreeKeys((key) => {
      const node = document.querySelector(this.selectors[key.toLowerCase()] || "no-such")
      node?.click()
      return Boolean(node)
    })
  }

  receive({ selectors }) { this.selectors = selectors }
}
