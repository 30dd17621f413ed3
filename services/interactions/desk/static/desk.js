// What the desk's pages do in a browser beyond links and forms; each works without it.
(() => {
  'use strict'
  const page = document.documentElement
  const all = (selector, within = document) => [...within.querySelectorAll(selector)]
  const shown = element => element.getClientRects().length > 0

  // The time zone where one signs in.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
  for (const input of all('[data-timezone]')) input.value = zone || ''

  // Times go on while a page is open: what is left, and how long ago. Nothing is asked of anybody for it.
  const unit = (count, name) =>
    new Intl.NumberFormat(page.lang, { style: 'unit', unit: name, unitDisplay: 'short' }).format(count)
  const span = seconds => {
    let left = Math.max(60, Math.floor(Math.abs(seconds)))
    const parts = []
    for (const [name, size] of [['day', 86400], ['hour', 3600], ['minute', 60]]) {
      const count = Math.floor(left / size)
      left %= size
      if (count && parts.length < 2) parts.push(unit(count, name))
      else if (parts.length) break
    }
    return parts.join(' ')
  }
  const tick = () => {
    for (const one of all('[data-due]')) {
      const left = (Date.parse(one.dataset.due) - Date.now()) / 1000
      const form = left < 0 ? one.dataset.over : one.dataset.left
      const text = one.querySelector('.due-text')
      const said = form.replace('%s', span(left))
      if (text && text.textContent !== said) text.textContent = said
    }
  }
  setInterval(tick, 20000)

  // Keys. A letter alone is a command where nothing is being written, unless the settings say otherwise.
  const typing = element => element && (element.isContentEditable || /^(input|textarea|select)$/i.test(element.tagName))
  const open = id => {
    const dialog = document.getElementById(id)
    if (dialog && !dialog.open) dialog.showModal()
  }
  const step = by => {
    const lines = all('[data-line]').filter(shown)
    if (!lines.length) return
    const at = lines.indexOf(document.activeElement)
    lines[Math.min(lines.length - 1, Math.max(0, at < 0 ? 0 : at + by))].focus()
  }
  let before = ''
  document.addEventListener('keydown', event => {
    if (event.key === 'Escape' && typing(document.activeElement)) { document.activeElement.blur(); return }
    if (event.ctrlKey && event.key === 'Enter' && typing(event.target) && event.target.form) {
      event.preventDefault()
      event.target.form.requestSubmit()
      return
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || event.isComposing) return
    if (document.body.dataset.keys !== 'on' || document.querySelector('dialog[open]')) return
    const key = before ? `${before} ${event.key}` : event.key
    before = ''
    if (key === '?') open('keys')
    else if (key === 'j') step(1)
    else if (key === 'k') step(-1)
    else if (key === 'g') { before = 'g'; setTimeout(() => { before = '' }, 1500) }
    else {
      const target = all(`[data-key="${CSS.escape(key)}"]`)[0]
      if (!target) return
      const within = target.closest('details')
      if (within) within.open = true
      if (target.matches('a, button, summary')) target.click()
      else target.focus()
      if (target.matches('summary')) target.parentElement.querySelector('input:not([type=hidden]), select, textarea, button')?.focus()
    }
    event.preventDefault()
  })
  document.addEventListener('click', event => {
    const opener = event.target.closest('[data-open]')
    if (opener) open(opener.dataset.open)
  })

  // What was said goes by itself; it has been read out by then.
  const fade = () => { const said = document.getElementById('said'); if (said && said.textContent.trim()) setTimeout(() => { said.replaceChildren() }, 6000) }
  fade()
  document.addEventListener('htmx:afterSettle', () => { fade(); tick() })

  // What is live: one connection a page; what has changed asks for its part of the page anew.
  const live = document.body.dataset.live
  if (live && window.EventSource) {
    const trouble = document.getElementById('live-trouble')
    const source = new EventSource(live)
    let lost
    source.addEventListener('open', () => { clearTimeout(lost); if (trouble) trouble.hidden = true })
    source.addEventListener('error', () => { clearTimeout(lost); lost = setTimeout(() => { if (trouble) trouble.hidden = false }, 5000) })
    source.addEventListener('changed', event => {
      const name = JSON.parse(event.data)
      for (const one of all('[data-watch]'))
        if (one.dataset.watch.split(' ').includes(name)) htmx.trigger(one, 'changed')
    })
    addEventListener('pagehide', () => source.close())
  }
})()
