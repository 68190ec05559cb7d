// A Plotly chart that later data update in place: the node, the zoom and hidden traces stay.

import { channelsOf, fill, make, mounted, PHONE_WIDTH, roomBelow, write } from "./common.js"

const BASE_FONT_SIZE = 17   // CSS pixels; larger in presentation mode
const NARROW = 420          // CSS pixels
const LOWEST = 220          // CSS pixels of a chart that fits the window
const SHARE = 0.4           // of the height of a large window, for such a chart
const CONFIG = {
  displaylogo: false,
  modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
  toImageButtonOptions: { format: "png", scale: 2 },
  showTips: false,
  showSendToCloud: false,
  // plotly.js offers uploads and map tiles. Nothing here leaves the machine.
  plotlyServerURL: "",
  topojsonURL: "about:blank",
}

export default mounted((parent) => new LiveChart(parent))

class LiveChart {
  updates = 0
  entries = []   // of the bars

  constructor(parent) {
    this.root = make("div", "live-chart", parent, { "data-testid": "live-chart", "data-updates": 0 })
    this.bars = make("div", "bars", this.root)
    // Not an image: the chart contains buttons.
    this.plot = make("div", "plot", this.root, { role: "figure" })
    this.resize = () => this.plotly && this.draw()
    this.watch = new ResizeObserver(this.resize)
    this.watch.observe(this.root)
    addEventListener("resize", this.resize)   // of the window, whose height limits that of the chart
  }

  end() {
    this.watch.disconnect()
    removeEventListener("resize", this.resize)
    this.plotly?.purge(this.plot)
    this.root.remove()
  }

  async receive(data) {
    this.data = data
    this.drawBars(data)
    this.plot.style.height = `${this.height()}px`
    this.plot.setAttribute("aria-label", data.alt)
    try {
      await import(`./${data.plotly}`)
      this.plotly = globalThis.Plotly
      if (!this.plotly) throw new Error("plotly.js left no global object")
      this.copyStyles()
    } catch (error) {
      console.error("live_chart:", error)
      return this.showError()
    }
    // A newer message may have arrived during the import.
    if (this.data === data) await this.draw()
  }

  height() {
    const { height, fold } = this.data
    if (!fold || innerWidth < PHONE_WIDTH) return height   // a page of a phone may be long
    return Math.max(LOWEST, Math.min(Math.max(height, SHARE * innerHeight), roomBelow(this.plot)))
  }

  drawBars({ bars }) {
    fill(this.entries, bars.length, () => {
      const node = make("div", "bar", this.bars)
      make("div", "text", node)
      make("div", "fill", make("div", "track", node, { role: "progressbar" }))
      return { node }
    })
    bars.forEach(({ done, text, color }, index) => {
      const [label, track] = this.entries[index].node.children
      write(label, text)
      const percent = Math.round(done * 1000) / 10
      track.setAttribute("aria-valuenow", percent)
      track.setAttribute("aria-label", text)
      track.firstChild.style.width = `${percent}%`
      if (CSS.supports("color", color)) track.firstChild.style.background = color
    })
  }

  // plotly.js adds its style rules to the head of the document, from where they do not reach a shadow root.
  copyStyles() {
    if (this.style) return
    this.style = document.createElement("style")
    const rules = document.getElementById("plotly.js-style-global")?.sheet?.cssRules ?? []
    this.style.textContent = Array.from(rules, (rule) => rule.cssText).join("\n")
    this.root.prepend(this.style)
  }

  async draw() {
    const width = this.root.clientWidth, text = this.data.figure
    if (!width) return   // in a hidden tab
    const theme = themeOf(this.root), height = this.height()
    this.plot.style.height = `${height}px`
    const look = [width, height, JSON.stringify(theme)].join()
    if (look === this.look && text === this.text) return
    const figure = JSON.parse(text, decode)
    const frame = JSON.stringify(figure, (name, value) => (value instanceof Float32Array ? undefined : value))
    if (look === this.look && frame === this.frame && fits(figure.data, this.plot.layout)) await this.moveCurves(figure.data)
    else await this.redraw(figure, theme, width, height)
    Object.assign(this, { look, frame, text })
    this.root.dataset.updates = ++this.updates
  }

  async redraw({ data, layout }, theme, width, height) {
    Object.assign(layout, { template: { layout: theme }, height, width, autosize: false })
    layout.uirevision ??= "constant"
    if (matchMedia("(pointer: coarse)").matches) layout.dragmode = false   // a finger scrolls the page
    if (layout.title?.text) theme.margin.t += 32
    if (width < NARROW) this.moveLegendBelow(layout, data)
    this.keepZoom(layout.xaxis)
    await this.plotly.react(this.plot, data, layout, CONFIG)
  }

  // Where nothing but curves within the axes has changed: 59 ms of a browser's work, against 84 ms for a redraw.
  async moveCurves(data) {
    const values = data.map(({ x, y }) => ({ x, y })), traces = data.map((_, index) => index)
    const options = { mode: "immediate", transition: { duration: 0 }, frame: { duration: 0, redraw: false } }
    await this.plotly.animate(this.plot, { data: values, traces }, options)
  }

  // On a phone, two entries a line.
  moveLegendBelow(layout, data) {
    const lines = Math.ceil(data.filter(({ showlegend }) => showlegend !== false).length / 2)
    layout.legend = { ...layout.legend, yref: "container", y: 0, yanchor: "bottom" }
    layout.margin = { ...layout.margin, t: 16, b: 60 + 22 * lines }
  }

  // plotly.js drops a zoom when the range it receives changes, so while the user has zoomed in it receives the old one.
  keepZoom(axis) {
    if (!axis?.range) return
    const shown = this.plot.layout?.xaxis?.range
    const isZoomed = this.given && shown && String(shown) !== String(this.given.range)
    if (isZoomed && axis.uirevision === this.given.uirevision) axis.range = [...this.given.range]
    else this.given = { range: [...axis.range], uirevision: axis.uirevision }
  }

  showError() {
    this.plot.style.height = "auto"
    this.plot.removeAttribute("role")
    this.plot.replaceChildren()
    write(make("p", "sorry", this.plot), "This chart cannot be drawn: plotly.js did not load. Reload the page; if that does not help, reinstall dae.")
  }
}

function decode(name, value) {
  if (!value?.bdata) return value
  return new Float32Array(Uint8Array.from(atob(value.bdata), (char) => char.charCodeAt(0)).buffer)
}

function fits(data, { xaxis, yaxis }) {
  return [["x", xaxis], ["y", yaxis]].every(([name, { autorange, range, type }]) => {
    if (autorange === false) return true
    const [low, high] = type === "log" ? range.map((exponent) => 10 ** exponent) : range
    return data.every((trace) => trace[name]?.every?.((value) => !(value < low || value > high)) ?? true)
  })
}

// A template of the theme's colors and fonts: every explicit setting of a figure overrides it.
function themeOf(node) {
  const style = getComputedStyle(node)
  const read = (name) => style.getPropertyValue(`--st-${name}`).trim()
  const ink = read("text-color"), size = (px) => Math.round(px / BASE_FONT_SIZE * parseFloat(getComputedStyle(document.documentElement).fontSize))
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

// plotly.js cannot parse color-mix().
const mix = (color, part) => `rgba(${[...channelsOf(color), part]})`
