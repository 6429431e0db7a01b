// Evaluates one case a line with certlogic-js: node driver.js FOLDER-OF-CERTLOGIC-JS FILE-OF-CASES
"use strict"
const fs = require("fs")
const path = require("path")
const [folder, file] = process.argv.slice(2)
const internals = require(path.join(folder, "dist/internals"))
const { evaluate } = require(path.join(folder, "dist/evaluator"))
const { validate } = require(path.join(folder, "dist/validation"))

// Where ours is stricter: the case is told as such and not compared.
class Stricter extends Error {}
const stricter = (what) => { throw new Stricter(what) }

const isDay = (text) => {
    const found = text.match(/^(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?/)
    if (!found) return true
    const [year, month, day] = [Number(found[1]), Number(found[2] ?? 1), Number(found[3] ?? 1)]
    const last = new Date(Date.UTC(2000, month, 0))
    last.setUTCFullYear(year, month, 0)
    return month >= 1 && month <= 12 && day >= 1 && day <= last.getUTCDate()
}

for (const name of ["plusTime", "dccDateOfBirth"]) {
    const original = internals[name]
    internals[name] = (text, ...rest) => {
        const result = original(text, ...rest)
        if (!isDay(text) || isNaN(result)) stricter("no date-time")
        if (/[+-]\d{1,2}:$/.test(text)) stricter("an offset that ends in a colon")
        return result
    }
}

const access = internals.access
internals.access = (data, text) => {
    let at = data
    for (const fragment of text === "" ? [] : text.split(".")) {
        if (typeof at === "string") stricter("a path into a string")
        if (at === null || typeof at !== "object") break
        const index = parseInt(fragment, 10)
        if (!isNaN(index) && !(Array.isArray(at) ? /^\d+$/.test(fragment) : String(index) === fragment))
            stricter("a fragment that only begins with an integer")
        at = access(at, fragment)
    }
    return access(data, text)
}

const isInt = internals.isInt
internals.isInt = (value) => {
    if (isInt(value) && !Number.isSafeInteger(value)) stricter("an integer beyond 2^53 - 1")
    return isInt(value)
}

const tagged = (value) => {
    if (value instanceof Date) return { $date: value.getTime() }
    if (Array.isArray(value)) return value.map(tagged)
    if (value !== null && typeof value === "object")
        return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, tagged(member)]))
    return value
}

const answer = ([expression, data]) => {
    try {
        const issues = validate(expression)
        if (issues.length > 0) return { issues: issues.map((issue) => issue.expr) }
        return { value: tagged(evaluate(expression, data)) }
    } catch (error) {
        return error instanceof Stricter ? { stricter: error.message } : { error: String(error.message) }
    }
}

const lines = fs.readFileSync(file, "utf8").split("\n").filter((line) => line !== "")
process.stdout.write(lines.map((line) => JSON.stringify(answer(JSON.parse(line))) + "\n").join(""))
