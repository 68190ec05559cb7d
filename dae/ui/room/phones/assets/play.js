// The page for phones: asks for the state every second, and shows one of two widgets, Guess or Draw.

import { Board } from "./board.js"

const POLL_MS = 1_000
const MAX_PAUSE_MS = 4_000
const TIMEOUT_MS = 8_000
const find = (id) => document.getElementById(id)
const [title, status, noisy, digits] = ["title", "status", "noisy", "digits"].map(find)
noisy.onerror = () => noisy.removeAttribute("src")   // the next poll asks for the image again
const board = new Board(find("board"))

let state = { activity: "waiting" }
let pending = null // { path, body }: what is sent until the server has taken or refused it
let note = "" // why something was refused
let offline = false
let joined = false
let failures = 0
let timer = 0
let request = null // AbortController of the request under way

const buttons = Array.from({ length: 10 }, (_, digit) => {
  const button = document.createElement("button")
  button.type = "button"
  button.textContent = digit
  button.onclick = () => {
    if (state.phase !== "answering" || chosen() !== null) return
    submit("answer", JSON.stringify({ round: state.round, digit }), digit)
  }
  digits.append(button)
  return button
})
find("clear").onclick = () => { board.clear(); note = ""; render() }
find("send").onclick = () => {
  if (board.empty) {
    note = "Draw a digit first."
    render()
  } else submit("drawing", board.pixels())
}
document.onvisibilitychange = () => document.hidden ? pause() : ask()
window.ononline = () => ask()
// Not at the first load, at which the page asks anyway: a second request would join twice.
window.onpageshow = ({ persisted }) => { if (persisted) ask() }

function submit(path, body, digit = null) {
  if (pending) return
  pending = { path, body, digit, round: state.round }
  note = ""
  render()
  ask()
}

// The digit that this phone answered with, also while it is on its way.
function chosen() {
  return pending?.path === "answer" && pending.round === state.round ? pending.digit : state.yours ?? null
}

function pause() {
  clearTimeout(timer)
  request?.abort()
}

// Send what is pending, else ask for the state; then ask again after a while.
async function ask() {
  pause()
  const own = request = new AbortController()
  const limit = setTimeout(() => own.abort(), TIMEOUT_MS)
  const sent = pending
  try {
    const [code, answer] = await exchange(sent, own)
    if (own !== request) return
    offline = false
    failures = code === 200 ? 0 : failures + 1
    // What came too soon is sent again.
    if (sent && code !== 429) {
      pending = null
      note = code === 200 ? "" : answer.problem
      if (code === 200 && sent.path === "drawing") board.clear()
    } else if (code === 200 && state.activity !== "draw") note = ""
    if (code === 200) state = answer
    else if (!joined) state = { activity: "closed", problem: answer.problem }
  } catch {
    if (own !== request) return
    failures += 1
    offline = failures > 1
  } finally {
    clearTimeout(limit)
  }
  render()
  if (document.hidden) return
  const wait = Math.min(MAX_PAUSE_MS, POLL_MS * 2 ** Math.max(0, failures - 1))
  // Phones that started together do not ask together.
  timer = setTimeout(ask, wait * (0.85 + 0.3 * Math.random()))
}

// Return status and answer of a request. A phone that the room does not know joins first.
async function exchange(sent, own) {
  let result = [401, {}]
  for (let attempt = 0; attempt < 2 && result[0] === 401; attempt++) {
    if (!joined) {
      result = await send("POST", "join", own)
      if (result[0] !== 200) break
      joined = true
      if (!sent) break
    }
    result = sent ? await send("POST", sent.path, own, sent.body) : await send("GET", "state", own)
    joined = result[0] !== 401
  }
  return result
}

async function send(method, path, { signal }, body) {
  const response = await fetch(new URL(path, import.meta.url), { method, body, signal })
  return [response.status, await response.json()]
}

function render() {
  const view = ["guess", "draw"].includes(state.activity) && state.phase !== "finished" ? state.activity : "waiting"
  document.body.dataset.view = view
  const [heading, text] = { guess: guessTexts, draw: drawTexts }[state.activity]?.() ?? waitingTexts()
  write(title, heading)
  write(status, offline ? "No connection. Trying again …" : note || text)
  if (view === "guess") renderGuess()
  if (view === "draw") find("send").disabled = find("clear").disabled = Boolean(pending) || state.blocked
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text
}

function renderGuess() {
  const source = new URL(`image/${state.round}`, import.meta.url).href
  if (noisy.src !== source) noisy.src = source
  noisy.hidden = false
  const yours = chosen()
  buttons.forEach((button, digit) => {
    const revealed = state.phase === "revealed"
    button.disabled = revealed || yours !== null
    button.setAttribute("aria-pressed", digit === yours)
    button.classList.toggle("right", revealed && digit === state.answer)
    button.classList.toggle("wrong", revealed && digit === yours && digit !== state.answer)
  })
}

function guessTexts() {
  const score = state.answered ? `You: ${state.score} of ${state.answered} right.` : ""
  if (state.phase === "finished") return ["The game is over", `${score} The results are on the screen. Thank you!`]
  const heading = `Round ${state.number} of ${state.rounds}`
  if (state.phase === "answering") {
    return [heading, chosen() === null ? "Which digit is this?" : `Your answer is ${chosen()}. Wait for the correct answer.`]
  }
  const share = state.answers ? `${Math.round(100 * state.right / state.answers)}% of the answers were right.` : ""
  const own = state.yours === null ? "" : state.yours === state.answer ? "You are right! " : `You said ${state.yours}. `
  return [`It is a ${state.answer}`, `${own}${share} ${score}`]
}

function drawTexts() {
  if (state.blocked) return ["Draw", "The presenter has taken your drawing down."]
  if (pending) return ["Draw", "Sending …"]
  if (state.dismissed) return ["Draw", "The presenter did not show your drawing. You can draw another one."]
  if (!state.drawing) return ["Draw a digit", "It appears on the wall, noisy and denoised."]
  if (state.waiting) return ["Sent", "It waits for the presenter. You can draw another one."]
  if (!state.reading) return ["Sent", "It will appear on the wall. You can draw another one."]
  const reading = state.reading === "no digit" ? "does not look like a digit to the model." : `reads as ${state.reading}.`
  return ["It is on the wall", `Denoised, it ${reading} You can draw another one.`]
}

function waitingTexts() {
  if (state.activity === "closed") return ["You cannot join yet", state.problem]
  return ["You are in", "Keep this page open. The game starts soon."]
}

render()
ask()
