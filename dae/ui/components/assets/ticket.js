// Exchanges a ticket of the session for a cookie, so that the presenter stays signed in when the page is loaded again.

export default mounted(() => new Ticket())

class Ticket {
  receive({ url, ticket }) {
    // Pages send a new ticket at each run.
    if (this.done) return
    this.done = true
    fetch(url, { method: "POST", body: ticket, credentials: "same-origin" })
      .then(({ ok }) => { this.done = ok })
      .catch(() => { this.done = false })
  }
}
