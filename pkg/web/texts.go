package web

import (
	"bytes"
	"encoding/json"
	"strings"
)

// language is the folder of texts that is served. What people read stands there,
// a file for each page, and nowhere else.
const language = "texts/en/"

// textsOf gives the texts of a page by their keys: {{text.KEY}} in its template,
// and what its script imports.
func textsOf(page string) (map[string]string, error) {
	source, err := files.ReadFile(language + page + ".json")
	if err != nil {
		return nil, err
	}
	var texts map[string]string
	err = json.Unmarshal(source, &texts)
	return texts, err
}

// assetOf gives a file for the pages by its name: one of the folder assets, or
// texts-PAGE.js, the texts of a page as a module.
func assetOf(name string) ([]byte, error) {
	page, ok := strings.CutPrefix(name, "texts-")
	page, script := strings.CutSuffix(page, ".js")
	if !ok || !script {
		source, err := files.ReadFile("assets/" + name)
		if strings.HasSuffix(name, ".css") {
			return slimStyle(source), err
		}
		return slim(source), err
	}
	source, err := files.ReadFile(language + page + ".json")
	if err != nil {
		return nil, err
	}
	module := bytes.NewBufferString("export default ")
	err = json.Compact(module, source)
	module.WriteString(";\n")
	return module.Bytes(), err
}
