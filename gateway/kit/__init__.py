"""The kit for associations (协会开发包): what a developer needs to receive claims, without a gateway and without us.

`cases` invents people and their stays, `payloads` makes the bodies an association would receive of them and signs them,
`schema_page` puts the JSON Schema into words, `writing` lays everything into a folder. What stands in `files` goes out
as it is; `files/payloads` is made by `payloads` and compared with it by a test.
"""
