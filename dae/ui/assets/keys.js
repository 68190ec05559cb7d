// Keys that work on the whole page: each clicks what Python names.

export default mounted(() => new Keys())

class Keys {
  constructor() {
    this.end = onFreeKeys((key) => {
      const node = document.querySelector(this.selectors[key.toLowerCase()] || "no-such")
      node?.click()
      return Boolean(node)
    })
  }

  receive({ selectors }) { this.selectors = selectors }
}
