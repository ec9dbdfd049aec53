"""互保网关 (Hubao Gateway): settlement records in, pre-filled mutual-aid claims out."""

__version__ = "0.1.0"
