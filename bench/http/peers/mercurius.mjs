// Mercurius with JIT over the gateway's own schema: rows already in memory as JSON, no token, no mask, no journal.
// HOST and PORT say where it listens, SCHEMA the SDL, LIGNES the JSON of an answer that holds the rows.
import { readFileSync } from 'node:fs'
import fastify from 'fastify'
import mercurius from 'mercurius'

const { ruptures } = JSON.parse(readFileSync(process.env.LIGNES, 'utf8')).data

const app = fastify()
await app.register(mercurius, {
  schema: readFileSync(process.env.SCHEMA, 'utf8'),
  resolvers: {
    Query: { ruptures: (_, { first }) => ({ ...ruptures, edges: ruptures.edges.slice(0, first) }) },
  },
  jit: 1,
  graphiql: false,
})
await app.listen({ host: process.env.HOST, port: Number(process.env.PORT) })
