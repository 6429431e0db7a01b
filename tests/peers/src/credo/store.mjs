// Where the wallet keeps its records and keys: one JSON file, written whole and renamed into place after each change, so that
// a wallet that is started again finds what the one before it stored. credo-ts lets an application bring its own storage
// (`InjectionSymbols.StorageService`, `NodeKeyManagementStorage`); Askar, which it recommends, needs a library that npm does not have.

import fs from 'node:fs'
import { InjectionSymbols, JsonTransformer, RecordDuplicateError, RecordNotFoundError } from '@credo-ts/core'

export class Store {
  #path
  #content = { records: {}, keys: {} }
  supportsCursorPagination = false

  constructor(path) {
    this.#path = path
    if (fs.existsSync(path)) this.#content = JSON.parse(fs.readFileSync(path, 'utf8'))
  }

  /** The module by which credo-ts finds its records here. */
  module() {
    return { register: (manager) => manager.registerInstance(InjectionSymbols.StorageService, this) }
  }

  /** The keys, as the key management of @credo-ts/node wants them. */
  keys() {
    const { keys } = this.#content
    return {
      get: async (_context, id) => keys[id] ?? null,
      has: async (_context, id) => id in keys,
      set: async (_context, id, jwk) => this.#keep(() => (keys[id] = jwk)),
      delete: async (_context, id) => this.#keep(() => delete keys[id]),
    }
  }

  async save(_context, record) {
    if (this.#find(record, record.id)) {
      throw new RecordDuplicateError(`record ${record.id} is there already`, { recordType: record.type })
    }
    this.#write(record)
  }

  async update(_context, record) {
    this.#known(record, record.id)
    this.#write(record)
  }

  async delete(_context, record) {
    await this.deleteById(_context, record, record.id)
  }

  async deleteById(_context, kind, id) {
    this.#known(kind, id)
    this.#keep((content) => delete content.records[kind.type][id])
  }

  async getById(_context, kind, id) {
    return instance(kind, id, this.#known(kind, id))
  }

  async getAll(_context, kind) {
    const records = Object.entries(this.#content.records[kind.type] ?? {})
    return records.map(([id, record]) => instance(kind, id, record))
  }

  async findByQuery(_context, kind, query, { limit, offset = 0 } = {}) {
    const found = (await this.getAll(_context, kind)).filter((record) => matches(record.getTags(), query))
    return found.slice(offset, limit === undefined ? undefined : offset + limit)
  }

  #find({ type }, id) {
    return this.#content.records[type]?.[id]
  }

  #known(kind, id) {
    const record = this.#find(kind, id)
    if (!record) throw new RecordNotFoundError(`record ${id} is not there`, { recordType: kind.type })
    return record
  }

  #write(record) {
    record.updatedAt = new Date()
    const kept = { value: JsonTransformer.serialize(record), tags: record.getTags() }
    this.#keep(({ records }) => ((records[record.type] ??= {})[record.id] = kept))
  }

  #keep(change) {
    change(this.#content)
    fs.writeFileSync(`${this.#path}.new`, JSON.stringify(this.#content))
    fs.renameSync(`${this.#path}.new`, this.#path)
  }
}

function instance(kind, id, { value, tags }) {
  const record = JsonTransformer.deserialize(value, kind)
  record.id = id
  record.replaceTags(tags)
  return record
}

/** Whether tags meet a query: each member equal, or, of an array, all items there. */
function matches(tags, { $and, $or, $not, ...members }) {
  if ($and && !$and.every((query) => matches(tags, query))) return false
  if ($or && !$or.some((query) => matches(tags, query))) return false
  if ($not && matches(tags, $not)) return false
  return Object.entries(members).every(([name, wanted]) => {
    if (wanted === undefined) return true
    const found = tags[name]
    return Array.isArray(wanted) ? wanted.every((item) => found?.includes(item)) : found === wanted
  })
}
