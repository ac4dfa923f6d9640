"""Cases for ci/semgrep/xml.yaml."""

from xml.sax import make_parser
from xml.sax.handler import feature_external_ges

from lxml import etree


def parsers():
    """Make parsers."""
    # ruleid: xml-external-entities
    a = etree.XMLParser(resolve_entities=True)
    # ruleid: xml-external-entities
    b = etree.XMLParser(recover=True, no_network=False)
    # ruleid: xml-external-entities
    c = etree.XMLParser(load_dtd=True)
    sax = make_parser()
    # ruleid: xml-external-entities
    sax.setFeature(feature_external_ges, True)
    # ok: xml-external-entities
    sax.setFeature(feature_external_ges, False)
    # ok: xml-external-entities
    d = etree.XMLParser(resolve_entities=False, no_network=True)
    # ok: xml-external-entities
    e = etree.XMLParser()
    return a, b, c, d, e, sax


def sheets(document):
    """Make style sheets."""
    # ruleid: xslt-with-extensions
    a = etree.XSLT(document)
    # ok: xslt-with-extensions
    b = etree.XSLT(document, access_control=etree.XSLTAccessControl.DENY_ALL)
    return a, b
