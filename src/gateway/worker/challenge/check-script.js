// Finds a number that, written after the token, makes SHA-256 begin with enough zero bits, and sends the request again.
'use strict'
;(() => {
  const constants = (() => {
    const primes = []
    for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n)
    const fraction = (value) => ((value % 1) * 0x100000000) | 0
    return {
      rounds: Int32Array.from(primes, (n) => fraction(Math.cbrt(n))),
      start: primes.slice(0, 8).map((n) => fraction(Math.sqrt(n))),
    }
  })()
  const words = new Int32Array(64)

  /** One block of 64 bytes into the state (FIPS 180-4 §6.2.2). */
  function compress(state, block, at) {
    for (let i = 0; i < 16; i++, at += 4)
      words[i] = (block[at] << 24) | (block[at + 1] << 16) | (block[at + 2] << 8) | block[at + 3]
    for (let i = 16; i < 64; i++) {
      const [x, y] = [words[i - 15], words[i - 2]]
      const low = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3)
      const high = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10)
      words[i] = (words[i - 16] + low + words[i - 7] + high) | 0
    }
    let [a, b, c, d, e, f, g, h] = state
    for (let i = 0; i < 64; i++) {
      const one = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
      const first = (h + one + ((e & f) ^ (~e & g)) + constants.rounds[i] + words[i]) | 0
      const two = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
      const second = (two + ((a & b) ^ (a & c) ^ (b & c))) | 0
      h = g
      g = f
      f = e
      e = (d + first) | 0
      d = c
      c = b
      b = a
      a = (first + second) | 0
    }
    state[0] += a
    state[1] += b
    state[2] += c
    state[3] += d
    state[4] += e
    state[5] += f
    state[6] += g
    state[7] += h
  }

  function firstWords(text) {
    const size = (((text.length + 8) >> 6) + 1) << 6
    const block = new Uint8Array(size)
    for (let i = 0; i < text.length; i++) block[i] = text.charCodeAt(i)
    block[text.length] = 128
    block[size - 2] = (text.length * 8) >> 8
    block[size - 1] = text.length * 8
    const state = Int32Array.from(constants.start)
    for (let at = 0; at < size; at += 64) compress(state, block, at)
    return state
  }

  /** Resolves with `token.nonce`. Lets the page breathe every 30 ms. */
  function solve(token, bits, progress) {
    const expected = 2 ** bits
    return new Promise((resolve) => {
      let nonce = 0
      const turn = () => {
        for (const until = performance.now() + 30; performance.now() < until;)
          for (let i = 0; i < 256; i++, nonce++) {
            const state = firstWords(`${token}.${nonce}`)
            const zeros = state[0] === 0 ? 32 + Math.clz32(state[1]) : Math.clz32(state[0])
            if (zeros >= bits) return resolve(`${token}.${nonce}`)
          }
        if (progress) progress(1 - Math.exp(-nonce / expected))
        setTimeout(turn, 0)
      }
      turn()
    })
  }

  /** For scripts of the application: as fetch, but a check that is asked for is solved, and the request sent again; twice, where address and account ask. */
  async function checkedFetch(resource, options) {
    const again = () => (resource instanceof Request ? resource.clone() : resource)
    for (let round = 0; ; round++) {
      const response = await fetch(again(), options)
      if (round === 2 || response.status !== 429) return response
      if (!/problem\+json/.test(response.headers.get('content-type') || '')) return response
      const { check } = await response.clone().json()
      if (!check) return response
      remember(await solve(check.token, check.bits))
    }
  }

  const remember = (answer) => {
    document.cookie = `khien_check=${answer}; path=/; max-age=600; samesite=lax${location.protocol === 'https:' ? '; secure' : ''}`
  }
  globalThis.khien = { solve, fetch: checkedFetch }

  const page = document.querySelector('[data-khien-check]')
  if (!page) return
  const bar = document.querySelector('progress')
  solve(page.dataset.khienCheck, Number(page.dataset.bits), (share) => (bar.value = share)).then((answer) => {
    remember(answer)
    bar.value = 1
    // Without the cookie the same page would come again for ever.
    if (!document.cookie.includes(answer)) return void (document.querySelector('[data-cookies]').hidden = false)
    const form = document.forms[0]
    if (form) HTMLFormElement.prototype.submit.call(form)
    else if (page.dataset.back) history.back()
    else location.replace(location.href)
  })
})()
