// The page stays as it should be: what has changed is put in, part by part; what somebody is at stays.
(() => {
  'use strict'
  if (!window.EventSource) return
  const shown = document.getElementById('live')
  const say = on => {
    const live = document.getElementById('live')
    live.hidden = false
    for (const one of live.children) one.hidden = (one.dataset.live === 'on') !== on
  }
  // One answer after the other, so that none is older than what it replaces; and again, where there was none.
  let asked = false, asking = false, again, pause = 5000
  const renew = async () => {
    asked = true
    if (asking) return
    asking = true
    try {
      for (; asked; say(source.readyState === EventSource.OPEN)) { asked = false; await once(); pause = 5000 }
    } catch {
      say(false)
      again ??= setTimeout(() => {
        again = undefined
        pause = Math.min(2 * pause, 60000)
        renew()
      }, pause)
    }
    asking = false
  }
  let left = false
  document.addEventListener('focusout', () => { if (left) renew() })
  const once = async () => {
    const answer = await fetch(location.href, { signal: AbortSignal.timeout(20000) })
    if (!answer.ok) throw new Error(answer.status)
    left = false
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html')
    const ids = page => [...page.querySelectorAll('.cards')].map(one => [...one.children].map(card => card.id).join()).join(';')
    if (ids(fresh) !== ids(document)) {
      document.querySelector('main').replaceWith(fresh.querySelector('main'))
      return
    }
    for (const part of fresh.querySelectorAll('#made, #moved, .figure')) {
      const old = document.getElementById(part.id)
      const rows = old && old.querySelector('details')
      if (old && old.contains(document.activeElement)) left = true
      if (!old || old.contains(document.activeElement)) continue
      if (rows && rows.open) part.querySelector('details').open = true
      if (!old.isEqualNode(part)) old.replaceWith(part)
    }
  }
  let source, relisten, wait = 1000
  const listen = () => {
    clearTimeout(relisten)
    source?.close()
    source = new EventSource(shown.dataset.source)
    source.addEventListener('open', () => { wait = 1000; say(true) })
    source.addEventListener('error', event => {
      say(false)
      // It gives up where something else answers for the service, as while that starts anew. The page does not.
      if (event.target.readyState !== EventSource.CLOSED) return
      wait = Math.min(2 * wait, 60000)
      relisten = setTimeout(listen, wait * (0.5 + Math.random() / 2))
    })
    source.addEventListener('changed', renew)
  }
  listen()
  addEventListener('pagehide', () => { clearTimeout(relisten); source.close() })
  addEventListener('pageshow', event => { if (event.persisted) listen() })
})()
