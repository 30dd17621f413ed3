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
  // The words are those of the page (Words.units): browsers have others for the same.
  const units = JSON.parse(document.body.dataset.units || '[]')
  const number = new Intl.NumberFormat(page.lang)
  const span = seconds => {
    let left = Math.max(60, Math.floor(Math.abs(seconds)))
    const parts = []
    for (const [size, one, many] of units) {
      const count = Math.floor(left / size)
      left %= size
      if (count && parts.length < 2) parts.push((count === 1 ? one : many).replace('%s', number.format(count)))
      else if (parts.length) break
    }
    return parts.join(' ')
  }
  // By the platform's clock, as each page and part of one came with it: not the browser's, which may be wrong.
  let ahead = 0
  const set = now => { if (now) ahead = Date.parse(now) - Date.now() }
  set(document.body.dataset.now)
  document.addEventListener('htmx:beforeOnLoad', event => { if (event.detail.xhr.status < 400) set(event.detail.xhr.getResponseHeader('Desk-Now')) })
  const tick = () => {
    for (const one of all('[data-due]')) {
      const left = (Date.parse(one.dataset.due) - Date.now() - ahead) / 1000
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
    if (event.key === 'Escape' && typing(document.activeElement)) { event.preventDefault(); document.activeElement.blur(); return }
    const arrow = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (arrow && event.target.matches('[type=search], [data-line]')) { event.preventDefault(); step(arrow); return }
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
      const target = all(`[data-key="${key.replaceAll('"', '')}"]`)[0]
      if (!target) return
      const within = target.closest('details')
      if (within) within.open = true
      if (target.matches('a, button:not([data-careful])')) target.click()
      else target.focus()
      if (target.matches('summary')) target.parentElement.querySelector('input:not([type=hidden]), select, textarea, button')?.focus()
    }
    event.preventDefault()
  })
  document.addEventListener('click', event => {
    const opener = event.target.closest('[data-open]')
    if (opener) open(opener.dataset.open)
    const inserter = event.target.closest('[data-insert]')
    if (inserter) {
      event.preventDefault()
      const area = document.getElementById(inserter.dataset.insert)
      const text = document.getElementById('macro').selectedOptions[0]?.dataset.text || ''
      area.setRangeText(text, area.selectionStart, area.selectionEnd, 'end')
      area.dispatchEvent(new Event('input', { bubbles: true }))
      area.focus()
    }
  })

  // A conversation opens at its end, and stays there; what is new is said.
  const end = () => { for (const one of all('[data-end]')) one.scrollTop = one.scrollHeight }
  let latest = document.querySelector('[data-latest]')?.dataset.latest
  end()
  document.addEventListener('htmx:oobAfterSwap', end)
  document.addEventListener('htmx:afterSettle', () => {
    const one = document.querySelector('[data-latest]')
    if (one && one.dataset.latest !== latest) {
      latest = one.dataset.latest
      document.getElementById('said').replaceChildren(Object.assign(document.createElement('p'), { textContent: one.dataset.latestSaid }))
    }
    end()
  })

  // What is being written outlives a page that went away before it was sent, in this tab.
  const drafts = () => {
    for (const one of all('[data-draft]')) {
      const name = `draft ${one.dataset.draft}`
      if (!one.value) one.value = sessionStorage.getItem(name) || ''
      if (one.dataset.kept) continue
      one.dataset.kept = 'yes'
      one.addEventListener('input', () => one.value ? sessionStorage.setItem(name, one.value) : sessionStorage.removeItem(name))
      one.form.addEventListener('submit', () => sessionStorage.removeItem(name))
    }
  }
  drafts()
  document.addEventListener('htmx:afterSwap', drafts)
  const keep = event => {
    for (const one of all('[data-draft]', event.detail.elt)) sessionStorage.setItem(`draft ${one.dataset.draft}`, one.value)
  }
  document.addEventListener('htmx:sendError', keep)
  document.addEventListener('htmx:beforeOnLoad', event => {
    const { xhr } = event.detail
    if (xhr.status >= 400 || xhr.getResponseHeader('HX-Redirect') || !xhr.getResponseHeader('Desk-Now')) keep(event)
  })

  // Who reads a conversation, or answers in it, is told to the colleagues who are on it too.
  let told = ''
  const tell = (doing, last) => {
    const one = document.querySelector('[data-presence]')
    if (!one) return
    told = doing
    const body = new URLSearchParams({ csrf: one.dataset.csrf, doing })
    if (last) navigator.sendBeacon(one.dataset.presence, body)
    else fetch(one.dataset.presence, { method: 'POST', body, keepalive: true }).catch(() => {})
  }
  const doing = () => all('[data-answering]').some(one => one.value.trim()) ? 'answering' : 'reading'
  if (document.querySelector('[data-presence]')) {
    tell(doing())
    setInterval(() => { if (!document.hidden) tell(doing()) }, 12000)
    document.addEventListener('input', () => { if (doing() !== told) tell(doing()) })
    document.addEventListener('htmx:afterSettle', () => { if (doing() !== told) tell(doing()) })
    addEventListener('pagehide', () => tell('gone', true))
  }

  // A form that did not work: on to the first field that is wrong.
  document.addEventListener('htmx:afterSettle', event => {
    if (event.detail.xhr?.status === 422) document.querySelector('#main [aria-invalid][autofocus]')?.focus()
  })

  // What was said goes by itself; it has been read out by then.
  const fade = () => {
    const said = document.getElementById('said')
    const text = said ? said.textContent.trim() : ''
    if (text) setTimeout(() => { if (said.textContent.trim() === text) said.replaceChildren() }, Math.max(6000, 90 * text.length))
  }
  fade()
  document.addEventListener('htmx:afterSettle', () => { fade(); tick() })

  // A part that somebody is at (data-still names what renews it) is left alone meanwhile, and renewed after.
  const busy = element => element.contains(document.activeElement) || element.querySelector('details[open]')
  const behind = new Set()
  document.addEventListener('htmx:oobBeforeSwap', event => {
    const one = event.detail.target
    if (!one.dataset.still || !busy(one)) return
    event.detail.shouldSwap = false
    behind.add(one.id)
  })
  const catchUp = () => setTimeout(() => {
    for (const id of behind) {
      const one = document.getElementById(id)
      if (one && busy(one)) continue
      behind.delete(id)
      if (one) owe(document.querySelector(one.dataset.still))
    }
    ask()
  }, 50)
  document.addEventListener('focusout', catchUp)
  document.addEventListener('toggle', catchUp, true)

  // What is live: one connection a page; what has changed asks for its part of the page anew. What changes while
  // a part is on its way is asked for after it: htmx would ask in the name of what it has just replaced.
  const owed = new Set(), asked = new Set()
  let pressed = false
  // A page that is left by a form asks for no part, and no part sends it elsewhere: once signed out, to the
  // sign-in page, past the words that one has signed out. Where the form left it after all (a file), it goes on.
  let left = 0
  addEventListener('submit', event => {
    if (event.defaultPrevented) return
    left = Date.now() + 10000
    setTimeout(ask, 10000)
  })
  document.addEventListener('htmx:beforeOnLoad', event => { if (event.target.matches('[data-watch]') && Date.now() < left) event.preventDefault() })
  const watched = part => part.dataset.watch.split(' ')
  const owe = part => { if (part) for (const name of watched(part)) owed.add(name) }
  const ask = () => {
    if (pressed || Date.now() < left || document.querySelector('[data-watch].htmx-request')) return
    const names = new Set(owed)
    owed.clear()
    for (const name of names) asked.add(name)
    for (const part of all('[data-watch]')) if (watched(part).some(name => names.has(name))) htmx.trigger(part, 'changed')
  }
  document.addEventListener('htmx:afterRequest', ask)
  // The answer to a form may be older than what a part in it was asked for meanwhile.
  document.addEventListener('htmx:beforeRequest', event => { if (!event.target.matches('[data-watch]')) asked.clear() })

  // Nothing is put in while a button is pressed: the press would end on another, and be no click.
  const released = () => setTimeout(() => { pressed = false; ask() })
  addEventListener('pointerdown', () => { pressed = true }, true)
  for (const end of ['pointerup', 'pointercancel']) addEventListener(end, released, true)
  addEventListener('pointermove', event => { if (pressed && !event.buttons) released() }, true)

  // A part that could not be had stays as it is, is marked, and is asked for again; where there is none any more, the
  // page says so. What is not the desk's own answer, as a proxy's is while the service starts anew, says nothing.
  const ours = xhr => xhr.getResponseHeader('Desk-Now') !== null
  const troubles = new Set(), waiting = new Map(), pauses = new Map()
  const trouble = (what, on) => {
    if (on) troubles.add(what)
    else troubles.delete(what)
    for (const one of troubles) if (!['unsent', 'stream'].includes(one) && !all('[data-watch]').some(part => place(part) === one)) troubles.delete(one)
    const which = ['unsent', 'stream'].find(one => troubles.has(one)) || (troubles.size ? 'part' : '')
    for (const one of all('[data-trouble]')) one.hidden = one.dataset.trouble !== which
  }
  const place = part => part.getAttribute('hx-get')
  const markOld = (part, on) => {
    const others = (part.getAttribute('hx-select-oob') || '').split(',').filter(Boolean)
    for (const one of [part, ...others.flatMap(other => all(other))]) one.toggleAttribute('data-old', on)
    trouble(place(part), on)
  }
  const later = part => {
    const which = place(part), pause = pauses.get(which) || 2000
    markOld(part, true)
    if (waiting.has(which)) return
    waiting.set(which, setTimeout(() => {
      waiting.delete(which)
      pauses.set(which, Math.min(2 * pause, 60000))
      owe(part)
      ask()
    }, pause))
  }
  document.addEventListener('htmx:configRequest', event => { if (event.target.matches('[data-watch]')) event.detail.timeout = 20000 })
  for (const lost of ['htmx:sendError', 'htmx:timeout']) {
    document.addEventListener(lost, event => { if (event.target.matches('[data-watch]')) later(event.target); else trouble('unsent', event.detail.requestConfig.verb !== 'get') })
  }
  document.addEventListener('htmx:beforeSwap', event => {
    const { requestConfig: { elt: part, verb }, xhr, xhr: { status } } = event.detail
    if (!part.matches('[data-watch]')) {
      for (const name of asked) owed.add(name)
      trouble('unsent', !ours(xhr) && verb !== 'get')
      if (!ours(xhr)) event.detail.shouldSwap = false
      return
    }
    event.detail.shouldSwap &&= ours(xhr) && status < 400 && !pressed
    const signedOut = status === 401 || status === 403
    if (!signedOut && (!ours(xhr) || status >= 500 || status === 429)) later(part)
    else if (status >= 400) location.reload()
    else {
      markOld(part, false)
      pauses.delete(place(part))
      if (pressed) owe(part)
    }
  })

  const live = document.body.dataset.live
  if (live && window.EventSource) {
    const names = () => [...new Set(all('[data-watch]').flatMap(watched))].sort().join(',')
    let source, heard, lost, relisten, wait = 1000
    let mark = document.body.dataset.mark
    const listen = since => {
      clearTimeout(relisten)
      source?.close()
      heard = names()
      if (!heard) return
      source = new EventSource(`${live}?${new URLSearchParams({ watch: heard, mark: since })}`)
      source.addEventListener('open', () => { clearTimeout(lost); wait = 1000; trouble('stream', false) })
      source.addEventListener('error', event => {
        clearTimeout(lost)
        lost = setTimeout(() => trouble('stream', true), 5000)
        // It gives up where something else answers for the service, as while that starts anew. The page does not.
        if (event.target.readyState !== EventSource.CLOSED) return
        wait = Math.min(2 * wait, 60000)
        relisten = setTimeout(() => listen(''), wait * (0.5 + Math.random() / 2))
      })
      source.addEventListener('changed', event => { owed.add(JSON.parse(event.data)); ask() })
    }
    document.addEventListener('htmx:load', () => listen(mark), { once: true })
    document.addEventListener('htmx:beforeOnLoad', event => {
      if (event.detail.xhr.status < 400) mark = event.detail.xhr.getResponseHeader('Desk-Mark') || mark
    })
    // A list may have come to show, and to watch, others.
    document.addEventListener('htmx:afterSettle', () => { if (heard !== undefined && names() !== heard) listen(mark) })
    addEventListener('pagehide', () => { clearTimeout(relisten); source?.close() })
    addEventListener('pageshow', event => { if (event.persisted) listen('') })
  }
})()
