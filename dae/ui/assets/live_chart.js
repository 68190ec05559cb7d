// A Plotly chart that later data update in place: same node, same zoom, same hidden traces.

const CONFIG = {
  displaylogo: false,
  modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
  toImageButtonOptions: { format: "png", scale: 2 },
  showTips: false,
  showSendToCloud: false,
  plotlyServerURL: "",   // plotly.js offers uploads and map tiles; nothing here leaves the machine
  topojsonURL: "about:blank",
}

const mounts = new WeakMap()   // shadow root -> LiveChart

export default function ({ data, parentElement }) {
  let chart = mounts.get(parentElement)
  if (!chart) mounts.set(parentElement, (chart = new LiveChart(parentElement)))
  chart.receive(data)
  const run = ++chart.runs
  return () => {
    // Streamlit also calls this for a run that a newer one has overtaken: only a detached host is an end.
    if (chart.runs === run && !parentElement.host?.isConnected) {
      chart.end()
      mounts.delete(parentElement)
    }
  }
}

class LiveChart {
  runs = 0
  updates = 0

  constructor(parent) {
    this.root = document.createElement("div")
    this.root.className = "live-chart"
    this.root.dataset.testid = "live-chart"
    this.root.dataset.updates = "0"
    this.root.setAttribute("role", "img")
    this.plot = document.createElement("div")
    this.plot.className = "plot"
    this.root.append(this.plot)
    parent.append(this.root)
    this.watch = new ResizeObserver(() => this.resize())
    this.watch.observe(this.root)
  }

  end() {
    this.watch.disconnect()
    this.plotly?.purge(this.plot)
    this.root.remove()
  }

  async receive(data) {
    this.data = data
    this.root.style.height = `${data.height}px`
    this.root.setAttribute("aria-label", data.alt)
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

  // plotly.js puts its style rules into the document's head, where they cannot reach a shadow root.
  dress() {
    if (this.style) return
    this.style = document.createElement("style")
    const rules = document.getElementById("plotly.js-style-global")?.sheet?.cssRules ?? []
    this.style.textContent = Array.from(rules, (rule) => rule.cssText).join("\n")
    this.root.prepend(this.style)
  }

  async react() {
    const theme = themeOf(this.root)
    const seen = JSON.stringify(theme) + this.data.height + this.data.figure
    if (seen === this.seen || !this.root.clientWidth) return
    this.seen = seen
    const { data, layout } = JSON.parse(this.data.figure)
    Object.assign(layout, { template: { layout: theme }, height: this.data.height, width: this.root.clientWidth, autosize: false })
    layout.uirevision ??= "constant"
    if (layout.title?.text) theme.margin.t += 32
    if (this.root.clientWidth < 600) Object.assign(theme.legend, { yref: "container", y: 0, yanchor: "bottom" })
    await this.plotly.react(this.plot, data, layout, CONFIG)
    this.root.dataset.updates = ++this.updates
  }

  resize() {
    if (!this.plotly || !this.root.clientWidth) return
    if (!this.updates) return this.react()   // it was born in a hidden tab
    if (this.root.clientWidth !== this.plot.layout?.width) this.plotly.relayout(this.plot, { width: this.root.clientWidth })
  }

  apologise() {
    const sorry = document.createElement("p")
    sorry.className = "sorry"
    sorry.textContent = "This chart cannot be drawn: plotly.js did not load. Reload the page; if that does not help, reinstall dae."
    this.root.style.height = "auto"
    this.root.removeAttribute("role")
    this.root.replaceChildren(sorry)
  }
}

// Only what the figure leaves open: a template yields to every explicit setting.
function themeOf(node) {
  const style = getComputedStyle(node)
  const read = (name) => style.getPropertyValue(`--st-${name}`).trim()
  const ink = read("text-color")
  const faint = (part) => mix(ink, part)
  const axis = {
    gridcolor: faint(0.12), linecolor: faint(0.3), zerolinecolor: faint(0.25), zerolinewidth: 1, automargin: true,
    tickfont: { color: faint(0.8), size: 13 }, title: { font: { color: ink, size: 14 }, standoff: 8 },
  }
  return {
    font: { family: read("font"), color: ink, size: 14 },
    title: { font: { size: 16, color: ink }, x: 0, xref: "paper", xanchor: "left", y: 1, yanchor: "top", pad: { t: 8 } },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    colorway: read("chart-categorical-colors").split(",").filter(Boolean),
    xaxis: axis, yaxis: axis,
    hoverlabel: { bgcolor: read("secondary-background-color"), bordercolor: faint(0.3), font: { family: read("font"), color: ink, size: 13 } },
    legend: { orientation: "h", x: 0, y: 1.02, xanchor: "left", yanchor: "bottom", font: { size: 14 } },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: faint(0.55), activecolor: read("primary-color") },
    margin: { l: 56, r: 16, t: 40, b: 48 },
  }
}

// plotly.js does not know color-mix(): let the browser turn any CSS colour into channels.
function mix(color, part) {
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true })
  pen.fillStyle = color
  pen.fillRect(0, 0, 1, 1)
  const [red, green, blue] = pen.getImageData(0, 0, 1, 1).data
  return `rgba(${red},${green},${blue},${part})`
}
