import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STORES } from '../../storage/sql/testing.ts'
import { vaultOver } from '../testing.ts'
import { CollectionDeclaration } from './contract.ts'

const APP = 'service:app'
const title = (vi: unknown, en: unknown = vi) => ({ vi, en })
const courier = (of: unknown, field: unknown = undefined) => ({
  name: 'courier',
  ...(of === undefined ? {} : { title: of }),
  fields: { phone: { kind: 'phone', ...(field === undefined ? {} : { title: field }) } },
})

for (const { what, said, wrong } of [
  { what: 'none', said: courier(undefined) },
  { what: 'both', said: courier(title('người giao', 'courier'), title('số của người giao', 'courier’s phone')) },
  { what: '80 characters', said: courier(title('ă'.repeat(80))) },
  { what: '81 characters', said: courier(title('ă'.repeat(81))), wrong: ['title.vi', 'title.en'] },
  { what: 'one language', said: courier({ vi: 'người giao' }), wrong: ['title.en'] },
  { what: 'one language of a field', said: courier(undefined, { en: 'x' }), wrong: ['fields.phone.title.vi'] },
  { what: 'a third language', said: courier({ ...title('x'), fr: 'x' }), wrong: ['title'] },
  { what: 'blanks', said: courier(title('  ', 'x')), wrong: ['title.vi'] },
  { what: 'a line break', said: courier(title('a\nb', 'x')), wrong: ['title.vi'] },
])
  test(`a title: ${what} is ${wrong ? 'refused, the place named' : 'taken'}`, () => {
    const parsed = CollectionDeclaration.safeParse(said)
    assert.deepEqual(
      parsed.error?.issues.map(({ path }) => path.join('.')),
      wrong,
    )
  })

for (const store of STORES)
  test(
    `${store.name}: titles are shown, changed by declaring again, and an old declaration goes on without`,
    { skip: store.skip },
    async () => {
      await using db = await store.open()
      await using keysDb = await store.open()
      const { vault } = await vaultOver(db, keysDb)
      const declare = (...said: unknown[]) =>
        vault.registry.declare(
          said.map((one) => CollectionDeclaration.parse(one)),
          APP,
        )
      const shown = async () =>
        (await vault.registry.shown(new Set())).fields
          .filter((one) => one.collectionTitle !== null || one.title !== null)
          .map(({ collection, collectionTitle, field, title: own }) => [
            collection,
            collectionTitle?.vi ?? null,
            field,
            own?.en ?? null,
          ])
      assert.equal((await declare(courier(undefined))).version, 1)
      assert.deepEqual(await shown(), [])
      const named = courier(title('người giao', 'courier'), title('số của người giao', 'courier’s phone'))
      const person = { name: 'person', fields: { email: { kind: 'email', title: title('thư', 'mail') } } }
      assert.equal((await declare(named, person)).version, 2)
      assert.deepEqual(await shown(), [
        ['person', null, 'email', 'mail'],
        ['courier', 'người giao', 'phone', 'courier’s phone'],
      ])
      const rules = await vault.registry.rules()
      assert.deepEqual(
        ['courier', 'courier.phone', 'person.email', 'person', 'person.name'].map((place) => rules.titleOf(place)?.vi),
        ['người giao', 'số của người giao', 'thư', undefined, undefined],
      )
      // A title alone changes nothing of what the field is.
      assert.partialDeepStrictEqual(rules.of('person', 'email'), { kind: 'email', token: 'stable', index: ['equal'] })
      // Another process of this vault reads them from the store.
      const other = await vaultOver(db, keysDb)
      assert.equal((await other.vault.registry.rules()).titleOf('courier')?.en, 'courier')
      assert.equal((await declare(courier(undefined))).version, 3)
      assert.deepEqual(await shown(), [])
    },
  )
