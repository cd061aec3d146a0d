// What graphql-inspector says changed from BEFORE to AFTER (environment: two files of SDL): [{criticality, path, message}].
import { readFileSync } from 'node:fs';
import { diff } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';

const [before, after] = [process.env.BEFORE, process.env.AFTER].map((file) => buildSchema(readFileSync(file, 'utf8')));
const changes = await diff(before, after);
console.log(JSON.stringify(changes.map(({ criticality, path, message }) => ({ criticality: criticality.level, path, message }))));
