import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { recent } from './recent.ts'

test('what was used of late is kept, never more than asked for, and nothing that was deleted', () => {
  const step = fc.record({ how: fc.constantFrom('get', 'set', 'delete'), key: fc.integer({ min: 0, max: 30 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 2, max: 16 }), (steps, most) => {
      const kept = recent<number, { at: number }>(most)
      const last = new Map<number, { at: number }>()
      /** Keys in the order of their last use. */
      let used: number[] = []
      for (const [at, { how, key }] of steps.entries()) {
        if (how === 'delete') {
          kept.delete(key)
          last.delete(key)
          used = used.filter((one) => one !== key)
        } else {
          if (how === 'set') {
            last.set(key, { at })
            kept.set(key, last.get(key)!)
          } else {
            const got = kept.get(key)
            assert.ok(got === undefined || got === last.get(key))
            // Whatever was among the last half must be there.
            if (used.slice(-Math.floor(most / 2)).includes(key)) assert.equal(got, last.get(key))
            if (got === undefined) continue
          }
          used = [...used.filter((one) => one !== key), key]
        }
        assert.ok(kept.size <= most + 1, `${kept.size} of ${most}`)
      }
    }),
    { numRuns: 500 },
  )
})
