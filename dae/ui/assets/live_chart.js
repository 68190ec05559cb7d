// A Plotly chart that later data update in place: same node, same zoom, same hidden traces.

import { make, mounted, write } from "./common.js"

const USUAL_TYPE = 17   // CSS pixels of the theme's type; in the large view it is larger
const NARROW = 420       // CSS pixels
const CONFIG = {
  displaylogo: false,
  modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
  toImageButtonOptions: { format: "png", scale: 2 },
  showTips: false,
  showSendToCloud: false,
  plotlyServerURL: "",   // plotly.js offers uploads and map tiles; nothing here leaves the machine
  topojsonURL: "about:blank",
}

export default mounted((parent) => new LiveChart(parent))

class LiveChart {
  updates = 0
  kept = { number: 0, traces: [] }   // the arrays that Python may leave out

  constructor(parent) {
    this.root = make("div", "live-chart", parent)
    this.root.dataset.testid = "live-chart"
    this.root.dataset.updates = "0"
    this.bars = make("div", "bars", this.root)
    this.words = make("p", "words", this.root)
    this.plot = make("div", "plot", this.root)
    this.plot.setAttribute("role", "figure")   // with buttons in it, which a picture cannot have
    this.watch = new ResizeObserver(() => this.resize())
    this.watch.observe(this.root)
  }

  end() {
    this.watch.disconnect()
    this.plotly?.purge(this.plot)
    this.root.remove()
  }

  async receive(data) {
    if (data.base && data.base !== this.kept.number) return this.confirm(this.kept.number)   // lost: all of it, please
    this.complete(data)
    this.data = data
    this.progress(data)
    this.plot.style.height = `${data.height}px`
    this.plot.setAttribute("aria-label", data.alt)
    try {
      await import(`./${data.plotly}`)
      this.plotly = globalThis.Plotly
      if (!this.plotly) throw new Error("plotly.js left no global object")
      this.dress()
    } catch (error) {
      console.error("live_chart:", error)
      return this.apologise()
    }
    if (this.data === data) await this.react()   // else a newer message waits behind this one
  }

  confirm(number) { this.setState("kept", number) }

  progress({ bars, words }) {
    while (this.bars.children.length > bars.length) this.bars.lastChild.remove()
    while (this.bars.children.length < bars.length) {
      const bar = make("div", "bar", this.bars)
      make("div", "text", bar)
      make("div", "track", bar).setAttribute("role", "progressbar")
      make("div", "fill", bar.lastChild)
    }
    bars.forEach(({ done, text, color }, index) => {
      const [label, track] = this.bars.children[index].children
      write(label, text)
      const percent = Math.round(done * 1000) / 10
      track.setAttribute("aria-valuenow", percent)
      track.setAttribute("aria-label", text)
      track.firstChild.style.width = `${percent}%`
      if (CSS.supports("color", color)) track.firstChild.style.background = color
    })
    write(this.words, words)
  }

  // Put what is held before what came, and hold it from now on where Python asks for that.
  complete(message) {
    const text = `${message.base} ${message.known} ${message.figure}`
    if (text !== this.text) {
      this.text = text
      this.figure = JSON.parse(message.figure)
      this.figure.data.forEach((trace, index) => {
        for (const axis of ["x", "y"]) {
          const tail = trace[axis]?.bdata && floats(trace[axis].bdata)
          const held = message.known[index] && this.kept.traces[index][axis].subarray(0, message.known[index])
          if (tail || held) trace[axis] = joined(held || [], tail || [])   // an empty tail comes as a plain []
        }
      })
      this.changed = true
    }
    if (message.keep && message.keep !== this.asked) {
      this.asked = message.keep
      this.kept = { number: message.keep, traces: this.figure.data.map(({ x, y }) => ({ x, y })) }
      this.confirm(message.keep)
    }
  }

  // plotly.js puts its style rules into the document's head, where they cannot reach a shadow root.
  dress() {
    if (this.style) return
    this.style = document.createElement("style")
    const rules = document.getElementById("plotly.js-style-global")?.sheet?.cssRules ?? []
    this.style.textContent = Array.from(rules, (rule) => rule.cssText).join("\n")
    this.root.prepend(this.style)
  }

  async react() {
    if (!this.root.clientWidth) return
    const theme = themeOf(this.root)
    const look = JSON.stringify(theme) + this.data.height
    if (look === this.look && !this.changed) return
    const { data } = this.figure
    const frame = JSON.stringify(this.figure, (name, value) => (value instanceof Float32Array ? undefined : value))
    if (look === this.look && frame === this.frame && this.fits(data)) await this.grow(data)
    else await this.redraw(data, theme)
    Object.assign(this, { look, frame, changed: false })
    this.root.dataset.updates = ++this.updates
  }

  async redraw(data, theme) {
    const layout = structuredClone(this.figure.layout)   // plotly.js writes into it
    Object.assign(layout, { template: { layout: theme }, height: this.data.height, width: this.root.clientWidth, autosize: false })
    layout.uirevision ??= "constant"
    if (matchMedia("(pointer: coarse)").matches) layout.dragmode = false   // a finger scrolls the page
    if (layout.title?.text) theme.margin.t += 32
    if (this.root.clientWidth < NARROW) this.stack(layout, data)
    this.keepZoom(layout.xaxis)
    await this.plotly.react(this.plot, data, layout, CONFIG)
  }

  // On a phone the names stand below the curves, two a line.
  stack(layout, data) {
    const lines = Math.ceil(data.filter(({ showlegend }) => showlegend !== false).length / 2)
    layout.legend = { ...layout.legend, yref: "container", y: 0, yanchor: "bottom" }
    layout.margin = { ...layout.margin, t: 16, b: 60 + 22 * lines }
  }

  // plotly.js forgets a zoom when the range it is given changes: while the user looks closer, it does not.
  keepZoom(axis) {
    if (!axis?.range) return
    const shown = this.plot.layout?.xaxis?.range
    const zoomed = this.given && shown && String(shown) !== String(this.given.range)
    if (zoomed && axis.uirevision === this.given.uirevision) axis.range = [...this.given.range]
    else this.given = { range: [...axis.range], uirevision: axis.uirevision }
  }

  // Nothing but the curves has changed, and they stay within the axes: a third of the work of a redraw.
  async grow(data) {
    const values = data.map(({ x, y }) => ({ x, y }))
    const instantly = { mode: "immediate", transition: { duration: 0 }, frame: { duration: 0, redraw: false } }
    await this.plotly.animate(this.plot, { data: values, traces: data.map((_, index) => index) }, instantly)
  }

  fits(data) {
    const { xaxis, yaxis } = this.plot.layout
    return [["x", xaxis], ["y", yaxis]].every(([name, { autorange, range, type }]) => {
      if (autorange === false) return true
      const [low, high] = type === "log" ? range.map((exponent) => 10 ** exponent) : range
      return data.every((trace) => trace[name]?.every?.((value) => !(value < low || value > high)) ?? true)
    })
  }

  resize() {
    if (!this.plotly || !this.root.clientWidth) return
    if (this.changed) return this.react()   // it came in a hidden tab
    if (this.root.clientWidth !== this.plot.layout?.width) this.plotly.relayout(this.plot, { width: this.root.clientWidth })
  }

  apologise() {
    const sorry = document.createElement("p")
    sorry.className = "sorry"
    sorry.textContent = "This chart cannot be drawn: plotly.js did not load. Reload the page; if that does not help, reinstall dae."
    this.plot.style.height = "auto"
    this.plot.removeAttribute("role")
    this.plot.replaceChildren(sorry)
  }
}

function floats(text) {
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
  return new Float32Array(bytes.buffer)
}

function joined(first, second) {
  const whole = new Float32Array(first.length + second.length)
  whole.set(first)
  whole.set(second, first.length)
  return whole
}

// Only what the figure leaves open: a template yields to every explicit setting.
function themeOf(node) {
  const style = getComputedStyle(node)
  const read = (name) => style.getPropertyValue(`--st-${name}`).trim()
  const ink = read("text-color"), size = (px) => Math.round(px / USUAL_TYPE * parseFloat(getComputedStyle(document.documentElement).fontSize))
  const faint = (part) => mix(ink, part)
  const axis = {
    gridcolor: faint(0.12), linecolor: faint(0.3), zerolinecolor: faint(0.25), zerolinewidth: 1, automargin: true,
    tickfont: { color: faint(0.8), size: size(13) }, title: { font: { color: ink, size: size(14) }, standoff: 8 },
  }
  return {
    font: { family: read("font"), color: ink, size: size(14) },
    title: { font: { size: size(16), color: ink }, x: 0, xref: "paper", xanchor: "left", y: 1, yanchor: "top", pad: { t: 8 } },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    colorway: read("chart-categorical-colors").split(",").filter(Boolean),
    xaxis: axis, yaxis: axis,
    hoverlabel: { bgcolor: read("secondary-background-color"), bordercolor: faint(0.3), font: { family: read("font"), color: ink, size: size(13) } },
    legend: { orientation: "h", x: 0, y: 1.02, xanchor: "left", yanchor: "bottom", font: { size: size(14) } },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: faint(0.55), activecolor: read("primary-color") },
    margin: { l: 56, r: 16, t: 40, b: 48 },
  }
}

// plotly.js does not know color-mix(): let the browser turn any CSS colour into channels, once.
const mixed = new Map()
function mix(color, part) {
  const name = `${color} ${part}`
  if (!mixed.has(name)) {
    const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true })
    pen.fillStyle = color
    pen.fillRect(0, 0, 1, 1)
    const [red, green, blue] = pen.getImageData(0, 0, 1, 1).data
    mixed.set(name, `rgba(${red},${green},${blue},${part})`)
  }
  return mixed.get(name)
}
